/** How explanations say numbers. */
import { decimalFrom, fractionDigitsOf } from "../../../domain/money.ts";
import type { MinorUnits } from "../../../domain/units.ts";

export function effectText(contribution: number): string {
  const amount = Math.abs(contribution).toFixed(2);
  if (amount === "0.00") return "leaves the price as it is";
  return contribution > 0
    ? `adds ${amount} times the base price`
    : `takes off ${amount} times the base price`;
}

export function ratio(value: number | null): string {
  return String(Math.round((value ?? 0) * 100) / 100);
}

export function moneyText(minor: number, currency: string): string {
  const decimal = decimalFrom(minor as MinorUnits, currency);
  return `${decimal.toFixed(fractionDigitsOf(currency))} ${currency}`;
}
