import { readParcel } from "../../contract/parcel.ts";
import type { RegionReplayed, ReplaySummary } from "../../contract/rpc.ts";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import { type EpochMs, HOUR_MS, plus, type RegionId } from "../../domain/units.ts";
import { type WindowSignal, WindowSignals } from "../../domain/window-signals.ts";
import { wireSignals } from "./signal-teller.ts";
import type { StoredRegion } from "./stored-region.ts";

/**
 * Plays parcels of the past into a region that nothing else counts in.
 *
 * Each arrives when the door received it, so windows close where they did. What closes is answered and told nobody else; it
 * is known to have been heard when the next new parcel comes, so a call whose answer was lost can be repeated.
 */
export class RegionReplay {
  private readonly regionId: RegionId;
  private answered: readonly WindowSignal[] = [];

  constructor(regionId: RegionId) {
    this.regionId = regionId;
  }

  /** Takes in parcels, in memory; null, and nothing taken in, when the region is live. */
  play(region: StoredRegion, messages: readonly Uint8Array[]): RegionReplayed | null {
    const { notes, state } = region;
    if (isLive(region)) return null;
    const sum = { events: 0, duplicates: 0, late: 0, repeatedParcels: 0 };
    for (const message of messages) {
      const { receivedAt } = readParcel(new ByteReader(message));
      const arrivedAt = Math.max(receivedAt, notes.replayedTo ?? receivedAt) as EpochMs;
      notes.replayedTo = arrivedAt;
      const applied = region.apply([message], arrivedAt);
      if (applied.repeatedParcels === 0) {
        notes.signals.told(this.answered);
        this.answered = [];
      }
      for (const name of ["events", "duplicates", "late", "repeatedParcels"] as const) {
        sum[name] += applied[name];
      }
      if (notes.signals.isDue(state, arrivedAt)) notes.signals.collect(state, arrivedAt);
    }
    this.answered = notes.signals.untold(Number.POSITIVE_INFINITY);
    return { ...sum, ...this.summaryOf(region, this.answered) };
  }

  /** What the region holds, with the windows that are open still; null when it is live. */
  summary(region: StoredRegion): ReplaySummary | null {
    if (isLive(region)) return null;
    const { notes, state } = region;
    const writer = new ByteWriter();
    notes.signals.writeTo(writer);
    const copy = WindowSignals.readFrom(new ByteReader(writer.written()));
    // As if the clock went on and nothing came any more: everything closes.
    copy.collect(state, plus(notes.replayedTo ?? (0 as EpochMs), 24 * HOUR_MS));
    return this.summaryOf(region, copy.untold(Number.POSITIVE_INFINITY));
  }

  private summaryOf(region: StoredRegion, signals: readonly WindowSignal[]): ReplaySummary {
    const { state, notes } = region;
    const { watermarkAt, totals } = state.parts;
    const now = notes.replayedTo ?? (0 as EpochMs);
    return {
      watermarkAt: Number.isFinite(watermarkAt) ? watermarkAt : null,
      totals: { ...totals },
      signals: wireSignals(region, signals, this.regionId, now),
    };
  }
}

/** True when something came to the region that was not played again. */
function isLive({ state, notes, shards }: StoredRegion): boolean {
  return shards.least !== null || (state.parts.beganAt !== null && notes.replayedTo === null);
}
