/**
 * Events as bytes: how they travel from the door to the windows.
 *
 * One event takes 18 bytes and what it names beside type, time and key, a twentieth of its JSON. Nothing between the door
 * and the window takes an event apart: outbox, queue and region's log move stretches of these bytes.
 *
 *     u8 type code | u8 flags | f64 occurredAt | u32 keyHigh | u32 keyLow
 *     [u32 userHigh | u32 userLow] [i32 quantity, when not 1] [u8 length, product type] [u16 length, metadata]
 */
import type { ByteWriter } from "../domain/bytes.ts";
import { ALL_EVENT_TYPES, type DemandEvent, type EventType } from "../domain/event.ts";
import type { EpochMs, ProductType, RegionId } from "../domain/units.ts";

const HAS_USER = 1;
const HAS_QUANTITY = 2;
const HAS_PRODUCT = 4;
const HAS_METADATA = 8;

const FIXED_BYTES = 18;

const CODES = new Map(ALL_EVENT_TYPES.map((type, code) => [type, code]));

/** What of an event is packed beside its metadata. */
export type EventFields = Omit<DemandEvent, "metadata">;

/** Appends one event. Its region is not among the bytes: a stretch of events belongs to one region. */
export function packEvent(writer: ByteWriter, event: DemandEvent): void {
  packFields(writer, event, event.metadata !== "");
  if (event.metadata !== "") writer.text(event.metadata);
}

/** Appends one event whose metadata is the first `length` bytes of UTF-8 in `bytes`; none for no metadata. */
export function packEventWithMetadata(
  writer: ByteWriter,
  event: EventFields,
  bytes: Uint8Array,
  length: number,
): void {
  packFields(writer, event, length > 0);
  if (length > 0) writer.textBytes(bytes, length);
}

function packFields(writer: ByteWriter, event: EventFields, hasMetadata: boolean): void {
  const code = CODES.get(event.eventType);
  if (code === undefined) throw new TypeError(`no such event type: ${event.eventType}`);
  const hasUser = event.userHigh !== 0 || event.userLow !== 0;
  writer.u8(code);
  writer.u8(
    (hasUser ? HAS_USER : 0) |
      (event.quantity === 1 ? 0 : HAS_QUANTITY) |
      (event.productType === null ? 0 : HAS_PRODUCT) |
      (hasMetadata ? HAS_METADATA : 0),
  );
  writer.f64(event.occurredAt);
  writer.u32(event.keyHigh);
  writer.u32(event.keyLow);
  if (hasUser) {
    writer.u32(event.userHigh);
    writer.u32(event.userLow);
  }
  if (event.quantity !== 1) writer.i32(event.quantity);
  if (event.productType !== null) writer.shortAscii(event.productType);
}

const decoder = new TextDecoder();

/**
 * Reads packed events one after the other. The cursor is the event it stands on: `next()` moves it, so keep values, not
 * the cursor. Product type and metadata are decoded only when asked for.
 */
export class EventCursor implements DemandEvent {
  eventType: EventType = "search";
  readonly regionId: RegionId;
  occurredAt = 0 as EpochMs;
  keyHigh = 0;
  keyLow = 0;
  userHigh = 0;
  userLow = 0;
  quantity = 1;
  /** Where the event the cursor stands on begins and ends in the bytes. */
  startAt = 0;
  endAt: number;
  private productAt = 0;
  private metadataAt = 0;
  private readonly source: Uint8Array;
  private readonly view: DataView;

  constructor(regionId: RegionId, source: Uint8Array, at = 0) {
    this.regionId = regionId;
    this.source = source;
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    this.endAt = at;
  }

  /** Moves to the next event; false at the end. Throws RangeError where the bytes end within an event. */
  next(): boolean {
    const { view } = this;
    let at = this.endAt;
    if (at >= view.byteLength) return false;
    const type = ALL_EVENT_TYPES[view.getUint8(at)];
    if (type === undefined) throw new RangeError(`no event type has code ${view.getUint8(at)}`);
    const flags = view.getUint8(at + 1);
    this.startAt = at;
    this.eventType = type;
    this.occurredAt = view.getFloat64(at + 2, true) as EpochMs;
    this.keyHigh = view.getUint32(at + 10, true);
    this.keyLow = view.getUint32(at + 14, true);
    at += FIXED_BYTES;
    this.userHigh = 0;
    this.userLow = 0;
    this.quantity = 1;
    this.productAt = 0;
    this.metadataAt = 0;
    if ((flags & HAS_USER) !== 0) {
      this.userHigh = view.getUint32(at, true);
      this.userLow = view.getUint32(at + 4, true);
      at += 8;
    }
    if ((flags & HAS_QUANTITY) !== 0) {
      this.quantity = view.getInt32(at, true);
      at += 4;
    }
    if ((flags & HAS_PRODUCT) !== 0) {
      this.productAt = at;
      at += 1 + view.getUint8(at);
    }
    if ((flags & HAS_METADATA) !== 0) {
      this.metadataAt = at;
      at += 2 + view.getUint16(at, true);
    }
    if (at > view.byteLength) throw new RangeError("the bytes end within an event");
    this.endAt = at;
    return true;
  }

  /** The cursor itself, once for each event. */
  *[Symbol.iterator](): Generator<DemandEvent> {
    while (this.next()) yield this;
  }

  get productType(): ProductType | null {
    const at = this.productAt;
    return at === 0 ? null : (this.decoded(at + 1, this.view.getUint8(at)) as ProductType);
  }

  get metadata(): string {
    const at = this.metadataAt;
    return at === 0 ? "" : this.decoded(at + 2, this.view.getUint16(at, true));
  }

  private decoded(at: number, length: number): string {
    return decoder.decode(this.source.subarray(at, at + length));
  }
}
