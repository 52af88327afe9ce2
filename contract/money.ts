import { fractionDigitsOf } from "../domain/currency.ts";
import { type MinorUnits, minorUnits } from "../domain/units.ts";

export { fractionDigitsOf };

/** 1575 USD minor units as the number 15.75. */
export function decimalFrom(minor: MinorUnits, currency: string): number {
  return minor / 10 ** fractionDigitsOf(currency);
}

/** 15.75 USD as 1575, or null when the decimal has more places than the currency. */
export function minorFrom(decimal: number, currency: string): MinorUnits | null {
  const scaled = decimal * 10 ** fractionDigitsOf(currency);
  const rounded = Math.round(scaled);
  return Math.abs(scaled - rounded) > 1e-6 ? null : minorUnits(rounded);
}
