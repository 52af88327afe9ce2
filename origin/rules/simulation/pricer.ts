/** Prices of one product of a region in the order of time: each knows those that were told before it. */
import { type Price, type PriceLimits, priceFrom } from "../../../domain/price.ts";
import type { PriceInputs } from "../../../domain/price-inputs.ts";
import type { PricePlan } from "../../../domain/price-plan.ts";
import { periodAt, type Timeline } from "../../../domain/rule-book.ts";
import { type ToldPrice, toldAfter } from "../../../domain/told-prices.ts";
import type { EpochMs } from "../../../domain/units.ts";

/** What the pricing pipeline does for a snapshot, without anything around it. */
export class Pricer {
  private readonly timeline: Timeline;
  private told: readonly ToldPrice[] = [];
  private plan: PricePlan | null = null;
  private planUntilAt = Number.NEGATIVE_INFINITY;

  constructor(timeline: Timeline) {
    this.timeline = timeline;
  }

  /** The price at an instant that is not before the last one; null where the rules have none then. */
  priceAt(asOf: EpochMs, inputs: PriceInputs): Price | null {
    if (asOf >= this.planUntilAt) this.turnTo(asOf);
    const { plan } = this;
    if (plan === null) return null;
    const limits: PriceLimits = { told: this.told, asOf, measures: null };
    const price = priceFrom(plan, inputs, limits);
    this.told = toldAfter(
      this.told,
      { at: asOf, priceMinor: price.marketMinor },
      plan.maxStepMinor !== null,
    );
    return price;
  }

  private turnTo(asOf: EpochMs): void {
    const period = periodAt(this.timeline, asOf);
    const plan = this.timeline.periods[period]?.plan;
    this.plan = plan && !Array.isArray(plan) ? plan : null;
    this.planUntilAt = this.timeline.boundaries[period] ?? Number.POSITIVE_INFINITY;
  }
}
