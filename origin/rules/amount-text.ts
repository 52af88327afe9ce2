import { fractionDigitsOf } from "../../domain/money.ts";

/** `12.50 USD`. Fractions of the smallest unit, such as means have, are rounded. */
export function amountText(minor: number, currency: string): string {
  const digits = fractionDigitsOf(currency);
  return `${(minor / 10 ** digits).toFixed(digits)} ${currency}`;
}
