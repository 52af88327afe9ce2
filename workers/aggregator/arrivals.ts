import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { EpochMs } from "../../domain/units.ts";
import { MAX_LOG_ROW_BYTES } from "./region-log.ts";

/** Messages that came together: parcels, or reports of shards. */
interface Arrival {
  arrivedAt: EpochMs;
  messages: Uint8Array[];
  byteLength: number;
}

const HEADER_BYTES = 12;
/** Stands where the time of an arrival would; a region's notes follow. */
const NOTES = Number.NaN;

/**
 * What has arrived and is not in the log yet.
 *
 * A row of the log is entries laid end to end: f64 arrivedAt | u32 length | messages, laid end to end. It is as long as storage
 * takes it, so what arrives in one call may be several rows.
 */
export class Arrivals {
  private waiting: Arrival[] = [];

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  get byteLength(): number {
    return this.waiting.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Keeps a message, with those that came at the same time as far as a row holds them. */
  add(message: Uint8Array, arrivedAt: EpochMs): void {
    const { byteLength } = message;
    const open = this.waiting.at(-1);
    const room = MAX_LOG_ROW_BYTES - HEADER_BYTES - byteLength;
    if (open?.arrivedAt === arrivedAt && open.byteLength <= room) {
      open.messages.push(message);
      open.byteLength += byteLength;
    } else {
      this.waiting.push({ arrivedAt, messages: [message], byteLength });
    }
  }

  /** What is kept, in the order in which it came. */
  *[Symbol.iterator](): Generator<[message: Uint8Array, arrivedAt: EpochMs]> {
    for (const { arrivedAt, messages } of this.waiting) {
      for (const message of messages) yield [message, arrivedAt];
    }
  }

  clear(): void {
    this.waiting = [];
  }

  /** Gives `append` the rows that hold everything, and behind it the region's notes where there are any. */
  writeRows(notes: Uint8Array | null, append: (row: Uint8Array) => void): void {
    const last = notes
      ? [{ arrivedAt: NOTES, messages: [notes], byteLength: notes.byteLength }]
      : [];
    const entries = [...this.waiting, ...last];
    const row = new ByteWriter(this.byteLength + HEADER_BYTES * entries.length);
    for (const { arrivedAt, messages, byteLength } of entries) {
      if (row.length > 0 && row.length + HEADER_BYTES + byteLength > MAX_LOG_ROW_BYTES) {
        append(row.written());
        row.clear();
      }
      row.f64(arrivedAt);
      row.u32(byteLength);
      for (const message of messages) row.bytes(message);
    }
    append(row.written());
  }
}

/** Reads a row: each stretch of messages with the time of its arrival, null where it is the region's notes. */
export function* entriesOf(
  row: Uint8Array,
): Generator<{ arrivedAt: EpochMs | null; reader: ByteReader }> {
  const reader = new ByteReader(row);
  while (!reader.isAtEnd) {
    const at = reader.f64();
    const messages = new ByteReader(reader.bytes(reader.u32()));
    yield { arrivedAt: Number.isNaN(at) ? null : (at as EpochMs), reader: messages };
  }
}
