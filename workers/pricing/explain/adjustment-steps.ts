/** What was done to the sum of the factors, step by step: bounds, emergency measures, limits in time, the grid. */
import type { ExplainStep } from "../../../contract/explain.ts";
import { ADJUSTMENTS, type Adjustment } from "../../../domain/price.ts";
import type { PricePlan } from "../../../domain/price-plan.ts";
import { effectText, moneyText } from "./phrases.ts";
import type { Replay } from "./replay.ts";

/** Less than this is the noise of adding up. */
const NOTHING = 1e-9;

/** One step for each adjustment; `value` is the multiplier after it. */
export function adjustmentSteps(replay: Replay, plan: PricePlan): ExplainStep[] {
  const { adjustments, factors } = replay.decision.price;
  let multiplier = Object.values(factors).reduce((sum, factor) => sum + factor, 1);
  return ADJUSTMENTS.map((name): ExplainStep => {
    const contribution = adjustments[name];
    multiplier += contribution;
    const sentence = SENTENCES[name](contribution, plan, replay);
    return { name, value: multiplier, contribution, sentence };
  });
}

const SENTENCES: Record<
  Adjustment,
  (contribution: number, plan: PricePlan, replay: Replay) => string
> = {
  constraint(contribution, plan) {
    const { currency, baseMinor, lowMultiplier, highMultiplier } = plan;
    const bounds = `the rules allow ${moneyText(lowMultiplier * baseMinor, currency)} to ${moneyText(highMultiplier * baseMinor, currency)}`;
    if (Math.abs(contribution) < NOTHING) return `Within bounds: ${bounds}.`;
    return `Held to the ${contribution < 0 ? "highest" : "lowest"} price allowed: ${bounds}.`;
  },
  emergency_cap(contribution, _, { emergency }) {
    if (Math.abs(contribution) < NOTHING) return "No emergency cap bears on the price.";
    return `An emergency cap is in force${reasonText(emergency?.document.caps)}; it ${effectText(contribution)}.`;
  },
  freeze(contribution, _, { emergency }) {
    if (Math.abs(contribution) < NOTHING) return "The price is not held by a freeze.";
    return `Prices are frozen${reasonText(emergency?.document.freezes)}; that ${effectText(contribution)}.`;
  },
  hysteresis(contribution, { hysteresisMinor, currency }) {
    if (hysteresisMinor === 0) return "Small changes are let through.";
    const least = moneyText(hysteresisMinor, currency);
    if (Math.abs(contribution) < NOTHING)
      return `The price stays while it would move by less than ${least}; it was free to move.`;
    return `The price would have moved by less than ${least}, so it stays; that ${effectText(contribution)}.`;
  },
  step_limit(contribution, { maxStepMinor, currency }) {
    if (maxStepMinor === null) return "How fast the price moves is not limited.";
    const most = moneyText(maxStepMinor, currency);
    if (Math.abs(contribution) < NOTHING)
      return `Within a minute the price may move by ${most}; that did not bind.`;
    return `Within a minute the price may move by no more than ${most}; that ${effectText(contribution)}.`;
  },
  rounding(_, { gridMinor, currency }) {
    return `Rounded to the nearest multiple of ${moneyText(gridMinor, currency)} that is allowed.`;
  },
};

function reasonText(measures: readonly { reason: string }[] | undefined): string {
  const reason = measures?.length === 1 ? measures[0]?.reason : undefined;
  return reason === undefined ? "" : ` (${reason})`;
}
