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
