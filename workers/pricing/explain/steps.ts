/** A decision told step by step, each with its number and a sentence that can be read out to a customer. */
import type { ExplainStep } from "../../../contract/explain.ts";
import { decimalFrom, fractionDigitsOf } from "../../../contract/money.ts";
import { valueAt } from "../../../domain/context.ts";
import { FACTORS, type Factor } from "../../../domain/price.ts";
import { productRulesOf, ruleSetOf } from "../../../domain/rules.ts";
import type { MinorUnits } from "../../../domain/units.ts";
import type { Replay } from "./replay.ts";

/** The steps in the order in which they are taken. Their contributions add up to the surge multiplier. */
export function stepsOf(replay: Replay): ExplainStep[] {
  const { price, demandScore } = replay.decision;
  const { adjustments } = price;
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
    ...FACTORS.map((factor): ExplainStep => {
      const contribution = price.factors[factor];
      return {
        name: factor,
        value: price.values[factor],
        contribution,
        sentence: price.missing.includes(factor)
          ? MISSING[factor]
          : `${observation(factor, replay)} That ${effectText(contribution)}.`,
      };
    }),
    {
      name: "constraint",
      value: price.surgeMultiplier - adjustments.rounding,
      contribution: adjustments.constraint,
      sentence: constraintSentence(replay),
    },
    {
      name: "rounding",
      value: price.surgeMultiplier,
      contribution: adjustments.rounding,
      sentence: roundingSentence(replay),
    },
    {
      name: "price",
      value: decimalFrom(price.priceMinor, price.currency),
      contribution: null,
      sentence: `The price is ${moneyText(price.priceMinor, price.currency)}, ${ratio(price.surgeMultiplier)} times the base price.`,
    },
  ];
}

/** The whole in two sentences: the price, and what moved it most. */
export function summaryOf({ region, decision }: Pick<Replay, "region" | "decision">): string {
  const { price, key } = decision;
  const product = key.productType.replaceAll("_", " ");
  const priced = `In ${region.name} one ${product} costs ${moneyText(price.priceMinor, price.currency)}, ${ratio(price.surgeMultiplier)} times its base price of ${moneyText(price.baseMinor, price.currency)}.`;
  if (key.source === "rules_only") return `${priced} Nothing was known of demand at that moment.`;
  const strongest = FACTORS.reduce((most, factor) =>
    Math.abs(price.factors[factor]) > Math.abs(price.factors[most]) ? factor : most,
  );
  const effect = price.factors[strongest];
  if (Math.abs(effect) < 0.005) return `${priced} Nothing out of the ordinary moved it.`;
  return `${priced} Mostly because of ${FACTOR_NAMES[strongest]}, which ${effectText(effect)}.`;
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

function observation(factor: Factor, { decision, snapshot }: Replay): string {
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
  }
}

function demandScoreSentence({ decision, forecast, snapshot }: Replay): string {
  if (!forecast || !snapshot || decision.demandScore === null) {
    return "There is no forecast of demand that could be compared with what is usual.";
  }
  const expected = forecast.points.reduce((sum, point) => sum + point.p50, 0);
  const usual = snapshot.usual.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  return `The coming hour is expected to bring ${ratio(expected)} bookings; ${ratio(usual)} are usual at this time of the week.`;
}

function constraintSentence({ decision, rules, region }: Replay): string {
  const { constraint } = decision.price.adjustments;
  const { minMultiplier, maxMultiplier } = ruleSetOf(rules.document, region.regionId);
  const bounds = `the rules allow ${minMultiplier} to ${maxMultiplier} times the base price`;
  if (Math.abs(constraint) < 1e-9) return `Within bounds: ${bounds}.`;
  const end = constraint < 0 ? "highest" : "lowest";
  return `Held to the ${end} price allowed: ${bounds}${ownBoundText({ decision, rules, region })}.`;
}

function ownBoundText({ decision, rules, region }: Pick<Replay, "decision" | "rules" | "region">) {
  const { productType } = decision.key;
  const ruleSet = ruleSetOf(rules.document, region.regionId);
  const { floorMinor, ceilingMinor } = productRulesOf(ruleSet, productType) ?? {};
  const floor =
    floorMinor === undefined ? "" : `, never below ${moneyText(floorMinor, ruleSet.currency)}`;
  const ceiling =
    ceilingMinor === undefined ? "" : `, never above ${moneyText(ceilingMinor, ruleSet.currency)}`;
  return floor + ceiling;
}

function roundingSentence({ decision, rules, region }: Replay): string {
  const { currency } = decision.price;
  const { roundingMinor } = ruleSetOf(rules.document, region.regionId);
  return `Rounded to the nearest multiple of ${moneyText(roundingMinor, currency)} within the bounds.`;
}

function effectText(contribution: number): string {
  const amount = Math.abs(contribution).toFixed(2);
  if (amount === "0.00") return "leaves the price as it is";
  return contribution > 0
    ? `adds ${amount} times the base price`
    : `takes off ${amount} times the base price`;
}

function ratio(value: number | null): string {
  return String(Math.round((value ?? 0) * 100) / 100);
}

function moneyText(minor: MinorUnits, currency: string): string {
  return `${decimalFrom(minor, currency).toFixed(fractionDigitsOf(currency))} ${currency}`;
}
