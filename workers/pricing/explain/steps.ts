/** A decision told step by step, each with its number and a sentence that can be read out to a customer. */
import type { ExplainStep } from "../../../contract/explain.ts";
import { instantText } from "../../../contract/names.ts";
import { valueAt } from "../../../domain/context.ts";
import { planOf, textOfKey } from "../../../domain/decision.ts";
import { decimalFrom } from "../../../domain/money.ts";
import { ADJUSTMENT_FACTOR, type Factor } from "../../../domain/price.ts";
import type { PricePlan } from "../../../domain/price-plan.ts";
import { own } from "../../../domain/rules.ts";
import { adjustmentSteps } from "./adjustment-steps.ts";
import { inputSentence, missingInputSentence } from "./input-sentences.ts";
import { effectText, moneyText, ratio } from "./phrases.ts";
import type { Replay } from "./replay.ts";

/** The steps in the order in which they are taken. Their contributions add up to the surge multiplier. */
export function stepsOf(replay: Replay): ExplainStep[] {
  const { price, demandScore, key } = replay.decision;
  const planned = planOf({
    ...{ region: replay.region, productType: key.productType, rules: replay.rules },
    ...{ snapshot: replay.snapshot, time: { period: key.period } },
  });
  // The decision was made by it, so it is there.
  if (!planned) throw new Error(`no rules price ${textOfKey(key)}`);
  const { plan } = planned;
  return [
    {
      name: "base_price",
      value: decimalFrom(price.baseMinor, price.currency),
      contribution: 1,
      sentence: `The base price is ${moneyText(price.baseMinor, price.currency)}.`,
    },
    {
      name: "demand_score",
      value: demandScore,
      contribution: null,
      sentence: demandScoreSentence(replay),
    },
    ...Object.entries(price.factors).map(([factor, contribution]): ExplainStep => {
      return {
        name: factor,
        value: price.values[factor] ?? null,
        contribution,
        sentence: price.missing.includes(factor)
          ? missingSentence(factor, plan)
          : `${observation(factor, replay, plan)} That ${effectText(contribution)}.`,
      };
    }),
    ...adjustmentSteps(replay, plan),
    ...reductionStep(replay),
    {
      name: "price",
      value: decimalFrom(price.priceMinor, price.currency),
      contribution: null,
      sentence: `The price is ${moneyText(price.priceMinor, price.currency)}, ${ratio(price.surgeMultiplier)} times the base price.`,
    },
  ];
}

/** What the price is compared with where it is announced as reduced; nothing where it is not. */
function reductionStep({ decision }: Replay): ExplainStep[] {
  const { announcedSince, lowestBeforeMinor, price } = decision;
  if (announcedSince === null) return [];
  const since = `The price is announced as reduced since ${instantText(announcedSince)}.`;
  const low =
    lowestBeforeMinor === null
      ? "No price of the thirty days before that is known."
      : `The lowest of the thirty days before that was ${moneyText(lowestBeforeMinor, price.currency)}.`;
  const value = lowestBeforeMinor === null ? null : decimalFrom(lowestBeforeMinor, price.currency);
  return [{ name: "announced_reduction", value, contribution: null, sentence: `${since} ${low}` }];
}

/** The whole in two sentences: the price, and what moved it most. */
export function summaryOf({ region, decision }: Pick<Replay, "region" | "decision">): string {
  const { price, key } = decision;
  const product = key.productType.replaceAll("_", " ");
  const priced = `In ${region.name} one ${product} costs ${moneyText(price.priceMinor, price.currency)}, ${ratio(price.surgeMultiplier)} times its base price of ${moneyText(price.baseMinor, price.currency)}.`;
  if (key.source === "rules_only") return `${priced} Nothing was known of demand at that moment.`;
  const { freeze, emergency_cap } = price.adjustments;
  if (freeze !== 0) return `${priced} Prices are frozen here at the moment.`;
  if (emergency_cap !== 0) return `${priced} Prices are capped here at the moment.`;
  const [strongest, effect] = Object.entries(price.factors).reduce((most, one) =>
    Math.abs(one[1]) > Math.abs(most[1]) ? one : most,
  );
  if (Math.abs(effect) < 0.005) return `${priced} Nothing out of the ordinary moved it.`;
  return `${priced} Mostly because of ${nameOf(strongest)}, which ${effectText(effect)}.`;
}

const FACTOR_NAMES: Record<Factor, string> = {
  demand: "expected demand",
  supply: "the drivers at hand",
  time_of_day: "the time of day",
  weather: "the weather",
  events: "a local event",
};

const MISSING: Record<Factor, string> = {
  demand: "There is no forecast to compare with what is usual, so demand does not move the price.",
  supply: "Nobody reported how many drivers are free, so supply does not move the price.",
  time_of_day: "The time of day does not move the price.",
  weather: "There is no present weather report, so weather does not move the price.",
  events: "No local event is known, so events do not move the price.",
};

function nameOf(factor: string): string {
  return own<string>(FACTOR_NAMES, factor) ?? factor.replaceAll("_", " ");
}

function missingSentence(factor: string, plan: PricePlan): string {
  const known = own<string>(MISSING, factor);
  if (known !== undefined) return known;
  const curve = plan.curves.find(({ name }) => name === factor);
  if (!curve) throw new Error(`no rules have the factor ${factor}`);
  return missingInputSentence(curve.input, nameOf(factor));
}

function observation(factor: string, { decision, snapshot }: Replay, plan: PricePlan): string {
  const { inputs } = decision;
  switch (factor) {
    case "demand":
      return `Demand for the coming hour scores ${ratio(inputs.demandScore)}, where 0.5 is ordinary.`;
    case "supply":
      return `${inputs.availableSupply} drivers are free, and the last 15 minutes brought ${inputs.recentDemand} bookings.`;
    case "time_of_day":
      return `It is between ${inputs.localHour}:00 and ${inputs.localHour}:59 there.`;
    case "weather": {
      const weather = snapshot && valueAt(snapshot.context.weather, snapshot.asOf);
      return `It is ${weather?.tempF} degrees Fahrenheit with ${weather?.precipIn} inches of rain an hour.`;
    }
    case "events":
      return `Local events score ${ratio(inputs.eventScore)} of 1.`;
    case ADJUSTMENT_FACTOR:
      return "The rules in force at this time change the price by themselves.";
  }
  const own = plan.attributes.find(({ name }) => name === factor);
  if (own) {
    const asked = inputs.attributes?.[own.attribute] ?? own.fallback;
    return `The request says ${asked} for ${own.attribute.replaceAll("_", " ")}.`;
  }
  const curve = plan.curves.find(({ name }) => name === factor);
  const value = curve?.read(inputs) ?? null;
  if (!curve || value === null) throw new Error(`the factor ${factor} has no value to tell of`);
  return inputSentence(curve.input, value);
}

function demandScoreSentence({ decision, forecast, snapshot }: Replay): string {
  if (!forecast || !snapshot || decision.demandScore === null) {
    return "There is no forecast of demand that could be compared with what is usual.";
  }
  const expected = forecast.points.reduce((sum, point) => sum + point.p50, 0);
  const usual = snapshot.usual.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return `The coming hour is expected to bring ${ratio(expected)} bookings; ${ratio(usual)} are usual at this time of the week.`;
}
