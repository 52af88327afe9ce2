import { newer, type Reading, type Supply, VALIDITY_MS, valueAt } from "./context.ts";
import { type EpochMs, MINUTE_MS } from "./units.ts";

/** Minutes of event time that are kept, back from the newest. */
const KEPT_MINUTES = 120;
const VALID_MINUTES = Math.ceil(VALIDITY_MS.supply / MINUTE_MS);

/**
 * The last reading of supply in each minute, so that a window that closes, or is corrected, is told with the supply of its own
 * end and not with that of now.
 */
export class SupplySeries {
  private readonly byMinute = new Map<number, Reading<Supply>>();
  private newest = 0;

  constructor(readings: Iterable<Reading<Supply>> = []) {
    for (const reading of readings) this.observe(reading);
  }

  observe(reading: Reading<Supply>): void {
    const minute = Math.floor(reading.observedAt / MINUTE_MS);
    if (minute <= this.newest - KEPT_MINUTES) return;
    this.byMinute.set(minute, newer(this.byMinute.get(minute) ?? null, reading));
    if (minute <= this.newest) return;
    this.newest = minute;
    for (const kept of this.byMinute.keys()) {
      if (kept <= minute - KEPT_MINUTES) this.byMinute.delete(kept);
    }
  }

  /** The supply that is valid at `endAt` by what was observed before it. `endAt` is a whole minute. */
  before(endAt: EpochMs): Supply | null {
    const first = Math.floor(endAt / MINUTE_MS) - 1;
    for (let minute = first; minute >= first - VALID_MINUTES; minute--) {
      const reading = this.byMinute.get(minute);
      if (reading) return valueAt(reading, endAt);
    }
    return null;
  }

  readings(): Reading<Supply>[] {
    return [...this.byMinute.values()];
  }
}
