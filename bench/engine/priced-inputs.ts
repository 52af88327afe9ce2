/** What the engines are asked: the same inputs in each process, made from a seed. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Of a price, what the shipped rules read. Nothing is missing: only one of the engines has an answer to that. */
export interface PricedInput {
  product: "standard_ride" | "premium_ride";
  /** 0 to 1. */
  demandScore: number;
  availableSupply: number;
  recentDemand: number;
  /** 0 to 23. */
  localHour: number;
  /** 0 to 1. */
  weatherSeverity: number;
  /** 0 to 1. */
  eventScore: number;
}

const COUNT = 1_024;
const SEED = 7;

export const PRICED_INPUTS: readonly PricedInput[] = inputsFrom(SEED);

function inputsFrom(seed: number): PricedInput[] {
  const random = xoroshiro128plus(seed);
  return Array.from({ length: COUNT }, (_, i) => ({
    product: i % 2 === 0 ? "standard_ride" : "premium_ride",
    demandScore: uniformFloat64(random),
    availableSupply: uniformInt(random, 0, 60),
    recentDemand: uniformInt(random, 0, 60),
    localHour: i % 24,
    weatherSeverity: uniformFloat64(random),
    eventScore: i % 5 === 0 ? uniformFloat64(random) : 0,
  }));
}
