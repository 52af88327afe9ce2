/** The shipped rules, as the numbers that each engine is given. */
import rules from "../../rules/generated/ride-hailing.json" with { type: "json" };

const [layer] = rules.rules;
if (!layer) throw new Error("the shipped rules have no layer");
const { factors, products, constraints, rounding } = layer;

export const SHIPPED_RULES = rules;
export const { demand: DEMAND, supply: SUPPLY, weather: WEATHER, events: EVENTS } = factors;
export const TIME_OF_DAY = factors.time_of_day;
export const PRODUCTS = products;
export const ROUNDING = rounding;
export const LOWEST = constraints.min_multiplier;
export const HIGHEST = constraints.max_multiplier;
