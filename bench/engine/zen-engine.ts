/** The same rules in GoRules Zen: one node of expressions, each step by name, as its editor writes them. */
import { ZenEngine } from "@gorules/zen-engine";
import type { BenchedEngine } from "./benched-engine.ts";
import type { PricedInput } from "./priced-inputs.ts";
import * as rules from "./shipped-rules.ts";

const { DEMAND, SUPPLY, TIME_OF_DAY, WEATHER, EVENTS, ROUNDING } = rules;
const term = (value: string, { weight, neutral }: { weight: number; neutral: number }) =>
  `${weight} * (${value} - ${neutral})`;
const exponent = `0 - ${DEMAND.steepness} * (demandScore - ${DEMAND.threshold})`;
const byProduct = (pick: "base_price" | "floor_price") =>
  `product == "standard_ride" ? ${rules.PRODUCTS.standard_ride[pick]} : ${rules.PRODUCTS.premium_ride[pick]}`;

const STEPS: Record<string, string> = {
  base: byProduct("base_price"),
  lowest: `max([${rules.LOWEST} * $.base, ${byProduct("floor_price")}])`,
  demand: term(`1 / (1 + ${Math.E} ^ (${exponent}))`, DEMAND),
  supply: term("1 / (1 + availableSupply / max([1, recentDemand]))", SUPPLY),
  time_of_day: term(`[${TIME_OF_DAY.multiplier_by_hour}][localHour]`, TIME_OF_DAY),
  weather: term("(1 + 0.5 * weatherSeverity)", WEATHER),
  events: term("(1 + 0.5 * eventScore)", EVENTS),
  raw: "1 + $.demand + $.supply + $.time_of_day + $.weather + $.events",
  held: `min([${rules.HIGHEST}, max([$.lowest / $.base, $.raw])])`,
  nearest: `floor($.held * $.base / ${ROUNDING} + 0.5) * ${ROUNDING}`,
  price: `max([$.nearest, ceil($.lowest / ${ROUNDING}) * ${ROUNDING}])`,
};

export function createEngine(): BenchedEngine<PricedInput> {
  const at = (x: number) => ({ x, y: 0 });
  const decision = new ZenEngine().createDecision({
    contentType: "application/vnd.gorules.decision",
    nodes: [
      { id: "in", name: "in", type: "inputNode", position: at(0) },
      {
        id: "price",
        name: "price",
        type: "expressionNode",
        position: at(1),
        content: {
          expressions: Object.entries(STEPS).map(([key, value]) => ({ id: key, key, value })),
        },
      },
      { id: "out", name: "out", type: "outputNode", position: at(2) },
    ],
    edges: [
      { id: "a", sourceId: "in", targetId: "price", type: "edge" },
      { id: "b", sourceId: "price", targetId: "out", type: "edge" },
    ],
  });
  return {
    prepare: (input) => input,
    price: async (input) => Number((await decision.evaluate(input)).result.price),
  };
}
