import { type MinorUnits, minorUnits } from "./units.ts";

const digits = new Map<string, number>();

/** Decimal places of an ISO 4217 currency: 2 for USD, 0 for JPY. Throws RangeError on text that is no currency code. */
export function fractionDigitsOf(currency: string): number {
  const known = digits.get(currency);
  if (known !== undefined) return known;
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  const found = format.resolvedOptions().maximumFractionDigits ?? 2;
  digits.set(currency, found);
  return found;
}

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

/** The most whole minor units that a decimal holds: 15.755 USD as 1575. */
export function minorBelow(decimal: number, currency: string): MinorUnits {
  return minorUnits(Math.floor(decimal * 10 ** fractionDigitsOf(currency) + 1e-6));
}
