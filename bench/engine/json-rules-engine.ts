/**
 * The same rules in json-rules-engine. It decides and does not compute, so, as its users do, each rule says that a term applies,
 * and the price is worked out from the events of a run: a term for each factor, and the hours that are dearer.
 */
import { Engine } from "json-rules-engine";
import type { BenchedEngine } from "./benched-engine.ts";
import type { PricedInput } from "./priced-inputs.ts";
import * as rules from "./shipped-rules.ts";

type Term = (input: PricedInput) => number;

const { multiplier_by_hour: byHour, weight, neutral } = rules.TIME_OF_DAY;
const TERMS: Record<string, Term> = {
  demand: ({ demandScore }) => {
    const { weight, neutral, steepness, threshold } = rules.DEMAND;
    return weight * (1 / (1 + Math.exp(-steepness * (demandScore - threshold))) - neutral);
  },
  supply: ({ availableSupply, recentDemand }) => {
    const scarcity = 1 / (1 + availableSupply / Math.max(1, recentDemand));
    return rules.SUPPLY.weight * (scarcity - rules.SUPPLY.neutral);
  },
  weather: ({ weatherSeverity }) =>
    rules.WEATHER.weight * (1 + 0.5 * weatherSeverity - rules.WEATHER.neutral),
  events: ({ eventScore }) => rules.EVENTS.weight * (1 + 0.5 * eventScore - rules.EVENTS.neutral),
};
/** When a factor has something to say. */
const CONDITIONS = {
  demand: { fact: "demandScore", operator: "notEqual", value: rules.DEMAND.threshold },
  supply: { fact: "availableSupply", operator: "greaterThanInclusive", value: 0 },
  weather: { fact: "weatherSeverity", operator: "greaterThan", value: 0 },
  events: { fact: "eventScore", operator: "greaterThan", value: 0 },
};

export function createEngine(): BenchedEngine<PricedInput> {
  const engine = new Engine([], { allowUndefinedFacts: false });
  for (const [name, condition] of Object.entries(CONDITIONS)) {
    engine.addRule({ conditions: { all: [condition] }, event: { type: name } });
  }
  for (const multiplier of new Set(byHour)) {
    const hours = byHour.flatMap((one, hour) => (one === multiplier ? [hour] : []));
    engine.addRule({
      conditions: { all: [{ fact: "localHour", operator: "in", value: hours }] },
      event: { type: "hours", params: { multiplier } },
    });
  }
  const price = async (input: PricedInput) => {
    const { events } = await engine.run(input);
    let surge = 1;
    for (const { type, params } of events) {
      surge += TERMS[type]?.(input) ?? weight * (Number(params?.multiplier) - neutral);
    }
    const { base_price, floor_price } = rules.PRODUCTS[input.product];
    const lowest = Math.max(rules.LOWEST, floor_price / base_price);
    const held = Math.min(rules.HIGHEST, Math.max(lowest, surge));
    return pricedWithin(held * base_price, Math.max(rules.LOWEST * base_price, floor_price));
  };
  return { prepare: (input) => input, price };
}

/** On the grid, and not below the lowest price of the grid that is allowed. */
function pricedWithin(target: number, lowest: number): number {
  const { ROUNDING: grid } = rules;
  return Math.max(Math.ceil(lowest / grid - 1e-9) * grid, Math.round(target / grid) * grid);
}
