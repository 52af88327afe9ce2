import { type SegmentMetadata, segmentKey, segmentMetadataOf } from "../../contract/event-log.ts";
import { type Log, messageOf } from "../../contract/log.ts";
import { withinLimit } from "../../contract/within-limit.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import type { OutboxStore, SegmentRange } from "./outbox-store.ts";
import type { StoredBatches } from "./stored-batches.ts";

/** Where segments go. Putting one again with the same bytes changes nothing. */
export interface SegmentStore {
  put(key: string, bytes: Uint8Array, metadata: SegmentMetadata): Promise<unknown>;
}

/** So much does not wait for its time. */
const SEGMENT_BYTES = 4 * 1024 * 1024;
const PUT_LIMIT_MS = 30_000;
const RETRY_AFTER_MS = 1_000;
const MAX_RETRY_AFTER_MS = 30_000;

export interface EventLogPorts {
  /** Name of this writer in the log. */
  writer: string;
  rows: OutboxStore;
  batches: StoredBatches;
  segments: SegmentStore;
  /** Resolves when what was stored before is on disk. */
  flush(): Promise<void>;
  wallNow(): number;
  /** How long a record may wait for others to share its segment. */
  segmentAfterMs: number;
  /** More is in the log than was. */
  onWritten(): void;
  log: Log;
}

/**
 * Writes batches to the event log, in order, in numbered segments without gaps.
 *
 * What a segment holds is stored before it leaves, so one whose answer was lost is put again as it was, in this life of the
 * object or the next. One at a time: while it is on its way, and while the store is down, batches gather and nothing waits.
 */
export class EventLogWriter {
  /** This batch and all before it are in the log. */
  writtenSeq: number;
  /** Since the object was started. */
  segmentsWritten = 0;
  failures = 0;
  private readonly ports: EventLogPorts;
  private lastSequence: number;
  /** Stored, and not known to be in the log. */
  private unfinished: SegmentRange | null;
  /** Bytes that are in no segment yet. */
  private waitingBytes: number;
  /** When the first of them came, or before. */
  private waitingSince: number;
  private retryAt = Number.NEGATIVE_INFINITY;
  private retries = 0;
  private running: Promise<void> | null = null;

  constructor(
    ports: EventLogPorts,
    { segment, segmentIsWritten }: { segment: SegmentRange | null; segmentIsWritten: boolean },
  ) {
    this.ports = ports;
    const { batches, wallNow } = ports;
    this.lastSequence = segment?.sequence ?? 0;
    this.unfinished = segmentIsWritten ? null : segment;
    this.writtenSeq = this.unfinished
      ? this.unfinished.firstSeq - 1
      : (segment?.lastSeq ?? batches.forgottenSeq);
    const inSegments = this.unfinished?.lastSeq ?? this.writtenSeq;
    this.waitingBytes = batches.measure(inSegments + 1, batches.lastSeq).bytes;
    this.waitingSince = wallNow();
  }

  /** Takes note that `bytes` were appended to the batches. */
  appended(bytes: number): void {
    if (this.waitingBytes === 0) this.waitingSince = this.ports.wallNow();
    this.waitingBytes += bytes;
  }

  /** True when more waits than a segment should hold, and nobody writes. */
  get isPressing(): boolean {
    return this.running === null && this.dueAt === Number.NEGATIVE_INFINITY;
  }

  /** When there is something to write, by the wall clock; infinity when nothing waits. */
  get dueAt(): number {
    if (this.unfinished) return this.retryAt;
    if (this.waitingBytes >= SEGMENT_BYTES) return Number.NEGATIVE_INFINITY;
    if (this.waitingBytes === 0) return Number.POSITIVE_INFINITY;
    return this.waitingSince + this.ports.segmentAfterMs;
  }

  /** Writes what is due. Never rejects: what fails is due again later. */
  work(): Promise<void> {
    this.running ??= this.writeDue().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async writeDue(): Promise<void> {
    while (this.dueAt <= this.ports.wallNow()) {
      try {
        const segment = this.unfinished ?? this.cut();
        if (!segment) return;
        await this.put(segment);
        this.unfinished = null;
        this.writtenSeq = segment.lastSeq;
        this.segmentsWritten++;
        this.retries = 0;
      } catch (error) {
        this.failed(error);
        return;
      }
      this.ports.onWritten();
    }
  }

  /** Makes a segment of the oldest batches that are in none; null when there are none. */
  private cut(): SegmentRange | null {
    const { batches, rows, wallNow } = this.ports;
    const stretch = batches.stretch(this.writtenSeq + 1, SEGMENT_BYTES);
    if (!stretch) {
      this.waitingBytes = 0;
      return null;
    }
    const { firstSeq, lastSeq, bytes } = stretch;
    const segment = { sequence: this.lastSequence + 1, firstSeq, lastSeq };
    // Where it throws nothing has changed: a sequence that is used up without a segment would be a gap.
    rows.beginSegment(segment);
    this.lastSequence = segment.sequence;
    this.waitingBytes -= bytes;
    this.waitingSince = wallNow();
    this.unfinished = segment;
    return segment;
  }

  private async put({ sequence, firstSeq, lastSeq }: SegmentRange): Promise<void> {
    const { writer, batches, segments, flush } = this.ports;
    await flush();
    const bytes = concatenated(batches.read(firstSeq, lastSeq).batches);
    const put = segments.put(segmentKey(writer, sequence), bytes, segmentMetadataOf(bytes));
    // The put may still take effect; it is repeated then, with the same bytes.
    await withinLimit(put, PUT_LIMIT_MS);
  }

  private failed(error: unknown): void {
    const { writer, wallNow, log } = this.ports;
    this.failures++;
    const afterMs = Math.min(MAX_RETRY_AFTER_MS, RETRY_AFTER_MS * 2 ** this.retries++);
    this.retryAt = wallNow() + afterMs;
    log("error", "a segment was not written to the event log", {
      writer,
      sequence: this.unfinished?.sequence ?? this.lastSequence + 1,
      retryAfterMs: afterMs,
      error: messageOf(error),
    });
  }
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new ByteWriter(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  for (const part of parts) whole.bytes(part);
  return whole.written();
}
