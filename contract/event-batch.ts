/**
 * What one request leaves in the outbox: its accepted events, region by region.
 *
 *     u8 version | f64 receivedAt | u32 length of the sections
 *     per region: u8 length, region id | u32 events | u32 length | packed events
 *
 * Batches laid end to end are batches, so the outbox stores what arrives together as one value.
 */
import { ByteReader, ByteWriter } from "../domain/bytes.ts";
import type { DemandEvent } from "../domain/event.ts";
import type { EpochMs, RegionId } from "../domain/units.ts";
import { type EventFields, packEvent, packEventWithMetadata } from "./packed-events.ts";

const VERSION = 1;

/** A batch fits into one row of a Durable Object, which takes 2 MB. */
export const MAX_BATCH_BYTES = 1_500_000;

/** Packed events of one region that came in one request. */
export interface EventSection {
  regionId: RegionId;
  /** Event clock of ingest when it accepted them. */
  receivedAt: EpochMs;
  count: number;
  bytes: Uint8Array;
}

interface OpenSection {
  regionId: RegionId;
  writer: ByteWriter;
  count: number;
}

/** A region's memory is kept between requests up to this: there are thousands of regions, and any of them may have a large request. */
const KEPT_SECTION_BYTES = 32 * 1024;

/** Collects the events of one request after the other; it keeps most of its memory between them. */
export class BatchPacker {
  private readonly sections = new Map<RegionId, OpenSection>();
  private readonly filled: OpenSection[] = [];
  private readonly whole = new ByteWriter(64 * 1_024);

  add(event: DemandEvent): void {
    packEvent(this.writerOf(event.regionId), event);
  }

  /** Adds an event whose metadata is the first `length` bytes of UTF-8 in `bytes`; none for no metadata. */
  addWithMetadata(
    event: EventFields,
    { bytes, length }: { bytes: Uint8Array; length: number },
  ): void {
    packEventWithMetadata(this.writerOf(event.regionId), event, bytes, length);
  }

  /** Where one more event of the region goes. */
  private writerOf(regionId: RegionId): ByteWriter {
    let section = this.sections.get(regionId);
    if (!section) {
      section = { regionId, writer: new ByteWriter(256), count: 0 };
      this.sections.set(regionId, section);
    }
    if (section.count++ === 0) this.filled.push(section);
    return section.writer;
  }

  /** Forgets what was added since the last batch. */
  clear(): void {
    for (const section of this.filled) {
      if (section.writer.length > KEPT_SECTION_BYTES) this.sections.delete(section.regionId);
      section.writer.clear();
      section.count = 0;
    }
    this.filled.length = 0;
  }

  /** The batch of everything added since the last call. `receivedAt` is the event clock. */
  finish(receivedAt: EpochMs): Uint8Array<ArrayBuffer> {
    const { whole, filled } = this;
    whole.clear();
    whole.u8(VERSION);
    whole.f64(receivedAt);
    whole.u32(
      filled.reduce((sum, { regionId, writer }) => sum + 9 + regionId.length + writer.length, 0),
    );
    for (const section of filled) {
      whole.shortAscii(section.regionId);
      whole.u32(section.count);
      whole.u32(section.writer.length);
      whole.bytes(section.writer.written());
    }
    this.clear();
    return whole.copy();
  }
}

/** The sections of batches laid end to end, as views into the bytes. Throws on a version it does not know. */
export function* sectionsOf(batches: Uint8Array): Generator<EventSection> {
  const reader = new ByteReader(batches);
  while (!reader.isAtEnd) {
    const version = reader.u8();
    if (version !== VERSION) throw new RangeError(`no event batch has version ${version}`);
    const receivedAt = reader.f64() as EpochMs;
    const length = reader.u32();
    const endAt = reader.at + length;
    while (reader.at < endAt) {
      const regionId = reader.shortAscii() as RegionId;
      const count = reader.u32();
      yield { regionId, receivedAt, count, bytes: reader.bytes(reader.u32()) };
    }
  }
}
