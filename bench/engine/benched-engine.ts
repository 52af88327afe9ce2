import type { PricedInput } from "./priced-inputs.ts";

/** An engine under the bench: `Asked` is an input in the form that it takes, made before anything is measured. */
export interface BenchedEngine<Asked> {
  prepare(input: PricedInput): Asked;
  /** The price, decimal. */
  price(asked: Asked): number | Promise<number>;
}
