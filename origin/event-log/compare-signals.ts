import type { DemandSignal } from "../../contract/demand-signals.ts";
import { type SignalsByWindow, windowKey } from "./fold-region.ts";

/** A field of a window that was recorded and folded differently. */
export interface SignalDifference {
  width_s: number;
  start_at: string;
  field: string;
  recorded: number | null;
  folded: number | null;
}

export interface SignalComparison {
  /** Windows that both know. */
  compared: number;
  differences: SignalDifference[];
  /** Windows that only one of them knows, by start and width. */
  unrecorded: string[];
  unfolded: string[];
}

/** What a window says of its demand, one number a field; revisions and times of telling may differ. */
function numbersOf(signal: DemandSignal): Record<string, number | null> {
  const { counts, cancel_rate, active_sessions, available_drivers, busy_drivers } = signal;
  const { utilization_ratio, supply_demand_ratio } = signal;
  return {
    ...counts,
    ...{ cancel_rate, active_sessions, available_drivers, busy_drivers },
    ...{ utilization_ratio, supply_demand_ratio },
  };
}

export function compareSignals(
  recorded: readonly DemandSignal[],
  folded: SignalsByWindow,
): SignalComparison {
  const left = new Map(folded);
  const comparison: SignalComparison = {
    ...{ compared: 0, differences: [], unrecorded: [], unfolded: [] },
  };
  for (const signal of recorded) {
    const key = windowKey(signal);
    const other = left.get(key);
    left.delete(key);
    if (!other) {
      comparison.unfolded.push(key);
      continue;
    }
    comparison.compared++;
    comparison.differences.push(...differencesOf(signal, other));
  }
  comparison.unrecorded.push(...left.keys());
  return comparison;
}

function differencesOf(signal: DemandSignal, other: DemandSignal): SignalDifference[] {
  const { width_s, start_at } = signal;
  const otherNumbers = numbersOf(other);
  return Object.entries(numbersOf(signal)).flatMap(([field, recorded]) => {
    const folded = otherNumbers[field] ?? null;
    return isEqual(recorded, folded) ? [] : [{ width_s, start_at, field, recorded, folded }];
  });
}

/** Ratios went through text once. */
function isEqual(one: number | null, other: number | null): boolean {
  if (one === null || other === null) return one === other;
  return Math.abs(one - other) <= 1e-9;
}
