import { type Context, valueAt } from "./context.ts";
import { FEATURE_SET_VERSION, featuresFrom } from "./features.ts";
import type { DemandForecast } from "./forecast.ts";
import type { RegionState } from "./region-state.ts";
import type { LiveSignals } from "./signals.ts";
import type { FeatureSnapshot } from "./snapshot.ts";
import type { ToldBySlot } from "./told-prices.ts";
import { type EpochMs, MINUTE_MS, type RegionId } from "./units.ts";

/** What is said beside the state when a snapshot is made. */
export interface SnapshotFrame {
  regionId: RegionId;
  tick: number;
  timeZone: string;
  /** Event clock. */
  asOf: EpochMs;
  /** Wall clock. */
  madeAt: EpochMs;
  lastForecast: DemandForecast | null;
  told: ToldBySlot;
  lows: FeatureSnapshot["lows"];
}

/** Everything a price needs of a region at one instant. */
export function snapshotFrom(state: RegionState, frame: SnapshotFrame): FeatureSnapshot {
  const { regionId, tick, timeZone, asOf, madeAt, lastForecast, told, lows } = frame;
  const signals = state.signalsAt(asOf);
  const context = state.contextAt(asOf, timeZone);
  const history = state.historyAt(asOf);
  const liveSince = state.parts.beganAt ?? asOf;
  const { values, usual } = featuresFrom({ timeZone, history, signals, liveSince, context });
  return {
    regionId,
    tick,
    asOf,
    madeAt,
    featureSetVersion: FEATURE_SET_VERSION,
    features: Array.from(values, (value) => (Number.isFinite(value) ? value : null)),
    usual,
    signals,
    context,
    lastForecast,
    told,
    lows,
  };
}

/**
 * What must differ before a region says something new: the counts of its windows, what is valid of the outside readings
 * and of those of its products, and the minute of event time. Two snapshots with the same text would price alike.
 */
export function materialOf(signals: LiveSignals, context: Context): string {
  const { asOf, ...counts } = signals;
  const readings = [
    valueAt(context.supply, asOf),
    valueAt(context.weather, asOf),
    valueAt(context.traffic, asOf),
    valueAt(context.localEvent, asOf),
    valueAt(context.holiday, asOf),
  ];
  const products = Object.entries(context.products ?? {}).map(([name, product]) => {
    return [name, valueAt(product.stock, asOf), valueAt(product.competitorPrice, asOf)];
  });
  return JSON.stringify([counts, readings, products, Math.floor(asOf / MINUTE_MS)]);
}
