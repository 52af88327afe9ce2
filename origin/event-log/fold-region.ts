import { type DemandSignal, demandSignalFrom } from "../../contract/demand-signals.ts";
import { EventCursor } from "../../contract/packed-events.ts";
import { readParcel } from "../../contract/parcel.ts";
import { ByteReader } from "../../domain/bytes.ts";
import { emptyRegion, RegionState } from "../../domain/region-state.ts";
import type { Totals } from "../../domain/totals.ts";
import { type EpochMs, HOUR_MS, plus, type RegionId } from "../../domain/units.ts";
import { type LatenessRules, reachMsOf } from "../../domain/watermark.ts";
import { WindowSignals } from "../../domain/window-signals.ts";

/** A region's windows as they come to be known; the highest revision of each. */
export type SignalsByWindow = Map<string, DemandSignal>;

/** Names a window of a region. */
export function windowKey({ width_s, start_at }: Pick<DemandSignal, "width_s" | "start_at">) {
  return `${width_s} ${new Date(start_at).toISOString()}`;
}

/**
 * A region of this process's own: the domain code that runs at the edge, fed with parcels of the past. Each arrives when the door
 * received it.
 */
export class RegionFold {
  readonly signals: SignalsByWindow = new Map();
  private readonly regionId: RegionId;
  private readonly state: RegionState;
  private readonly windows = new WindowSignals();
  private now = Number.NEGATIVE_INFINITY as EpochMs;

  constructor(regionId: RegionId, rules: LatenessRules) {
    this.regionId = regionId;
    this.state = new RegionState(emptyRegion(reachMsOf(rules)), rules);
  }

  play(parcel: Uint8Array): void {
    const { regionId, receivedAt, events } = readParcel(new ByteReader(parcel));
    const { state, windows } = this;
    this.now = Math.max(this.now, receivedAt) as EpochMs;
    if (windows.isBehind(state, this.now)) this.collect(this.now);
    state.arrive(new EventCursor(regionId, events), receivedAt, this.now);
    if (windows.isDue(state, this.now)) this.collect(this.now);
  }

  /** Closes every window, as if the clock went on and nothing came any more. Returns what was counted. */
  finish(): Totals {
    if (Number.isFinite(this.now)) this.collect(plus(this.now, 24 * HOUR_MS));
    return this.state.parts.totals;
  }

  private collect(now: EpochMs): void {
    const { state, windows, regionId } = this;
    windows.collect(state, now);
    const untold = windows.untold(Number.POSITIVE_INFINITY);
    for (const window of untold) {
      const signal = demandSignalFrom(window, regionId, state.watermarkAt(now), now);
      this.signals.set(windowKey(signal), signal);
    }
    windows.told(untold);
  }
}
