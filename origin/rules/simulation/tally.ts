/** What some rules charged, counted: shape of the multipliers, and how often something held them. */
import type { Price } from "../../../domain/price.ts";

/** Multipliers are counted in steps of a hundredth; what is above the last one counts there. */
const STEPS_PER_ONE = 100;
const STEPS = 12 * STEPS_PER_ONE;
/** Adjustments below it are what a decimal loses in binary. */
const NOTHING = 1e-9;

export class Tally {
  count = 0;
  private sum = 0;
  private readonly steps = new Uint32Array(STEPS + 1);
  /** Prices that bounds held down, or up. */
  private capped = 0;
  private floored = 0;
  private stepLimited = 0;
  private held = 0;

  add({ surgeMultiplier, adjustments }: Pick<Price, "surgeMultiplier" | "adjustments">): void {
    this.addMultiplier(surgeMultiplier);
    if (adjustments.constraint < -NOTHING) this.capped++;
    else if (adjustments.constraint > NOTHING) this.floored++;
    if (Math.abs(adjustments.step_limit) > NOTHING) this.stepLimited++;
    if (Math.abs(adjustments.hysteresis) > NOTHING) this.held++;
  }

  addMultiplier(multiplier: number): void {
    this.count++;
    this.sum += multiplier;
    const step = Math.min(STEPS, Math.round(multiplier * STEPS_PER_ONE));
    this.steps[step] = (this.steps[step] ?? 0) + 1;
  }

  summary() {
    const share = (count: number) => (this.count === 0 ? 0 : count / this.count);
    return {
      decisions: this.count,
      mean_multiplier: this.count === 0 ? 0 : this.sum / this.count,
      p10: this.quantile(0.1),
      p50: this.quantile(0.5),
      p90: this.quantile(0.9),
      p99: this.quantile(0.99),
      share_capped: share(this.capped),
      share_floored: share(this.floored),
      share_step_limited: share(this.stepLimited),
      share_held: share(this.held),
    };
  }

  /** Shares of decisions by multiplier, in bins of `width`, named by their lower ends. */
  histogram(width: number): Map<number, number> {
    const bins = new Map<number, number>();
    for (const [step, count] of this.steps.entries()) {
      if (count === 0) continue;
      const bin = Math.floor(step / STEPS_PER_ONE / width + 1e-9);
      bins.set(bin, (bins.get(bin) ?? 0) + count / this.count);
    }
    return new Map([...bins].map(([bin, share]) => [Number((bin * width).toFixed(4)), share]));
  }

  /** To the hundredth. */
  private quantile(share: number): number {
    let below = 0;
    for (const [step, count] of this.steps.entries()) {
      below += count;
      if (below >= share * this.count && below > 0) return step / STEPS_PER_ONE;
    }
    return 0;
  }
}

export type TallySummary = ReturnType<Tally["summary"]>;
