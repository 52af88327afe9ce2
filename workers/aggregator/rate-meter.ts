import { SECOND_MS } from "../../domain/units.ts";

/** Counts events by second of the wall clock, over the last `overMs`. */
export class RateMeter {
  private readonly counts: Float64Array;
  /** The second each slot holds. */
  private readonly seconds: Float64Array;

  constructor(overMs: number) {
    const slots = Math.max(1, Math.round(overMs / SECOND_MS));
    this.counts = new Float64Array(slots);
    this.seconds = new Float64Array(slots);
  }

  took(events: number, wallNow: number): void {
    const second = Math.floor(wallNow / SECOND_MS);
    const slot = second % this.counts.length;
    if (this.seconds[slot] !== second) {
      this.seconds[slot] = second;
      this.counts[slot] = 0;
    }
    this.counts[slot] = (this.counts[slot] ?? 0) + events;
  }

  /** Events a second, over the whole of the seconds kept: a burst that is shorter counts for less. */
  at(wallNow: number): number {
    const oldest = Math.floor(wallNow / SECOND_MS) - this.counts.length;
    let events = 0;
    for (const [slot, count] of this.counts.entries()) {
      if ((this.seconds[slot] ?? 0) > oldest) events += count;
    }
    return events / this.counts.length;
  }
}
