/** Parcels of the past: what a region is told again, composed as an outbox would have. */
import { createHash } from "node:crypto";
import { packEvent } from "../../contract/packed-events.ts";
import { MAX_PARCEL_EVENT_BYTES, writeParcel } from "../../contract/parcel.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import type { DemandEvent } from "../../domain/event.ts";
import { ALL_SLICES } from "../../domain/slices.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";

/** An event, and when the door received it. */
export interface ReceivedEvent extends DemandEvent {
  receivedAt: EpochMs;
}

/** What a replay's parcels are known by: the same events into the same region have the same name. */
export interface ReplayName {
  outbox: string;
  epoch: number;
}

/** The name of a replay, from everything that decides what its parcels hold. */
export function replayNameFrom(...parts: readonly (string | number)[]): ReplayName {
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest();
  return { outbox: `replay-${digest.toString("hex", 0, 8)}`, epoch: digest.readUInt32LE(8) };
}

/** A parcel holds what was received within this time, about as an outbox sends it. */
const PARCEL_SPAN_MS = 250;
/** An event may have as many bytes more than the others. */
const MAX_EVENT_BYTES = 8 * 1024;

/**
 * Composes events, which come in the order in which they were received, into parcels numbered from 1. A pure function of the
 * events: repeated, it gives the same parcels, which a region that has them drops.
 */
export class ReplayComposer {
  private readonly name: ReplayName;
  private readonly regionId: RegionId;
  private readonly packed = new ByteWriter(MAX_PARCEL_EVENT_BYTES);
  private receivedAt = 0 as EpochMs;
  private count = 0;
  private number = 0;

  /** @param regionId the region they are for, whichever they came from */
  constructor(name: ReplayName, regionId: RegionId) {
    this.name = name;
    this.regionId = regionId;
  }

  /** Takes the next event. Returns the parcel before it when that is full. */
  add(event: ReceivedEvent): Uint8Array | null {
    const isFull =
      this.packed.length > MAX_PARCEL_EVENT_BYTES - MAX_EVENT_BYTES ||
      event.receivedAt - this.receivedAt >= PARCEL_SPAN_MS;
    const done = isFull ? this.finish() : null;
    if (this.count === 0) this.receivedAt = event.receivedAt;
    packEvent(this.packed, event);
    this.count++;
    return done;
  }

  /** The parcel of what was taken since the last one; null when that is nothing. */
  finish(): Uint8Array | null {
    const { count, packed, receivedAt, regionId } = this;
    if (count === 0) return null;
    const number = ++this.number;
    const writer = new ByteWriter(packed.length + 256);
    // Parcels are answered for in order, so all before this one are known to have been taken.
    const header = { ...this.name, number, lowWater: number, receivedAt, regionId, count };
    writeParcel(writer, { ...header, slices: ALL_SLICES }, [packed.written()]);
    packed.clear();
    this.count = 0;
    return writer.copy();
  }
}
