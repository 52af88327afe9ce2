import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimalFrom, fractionDigitsOf, minorFrom } from "../../domain/money.ts";
import { type MinorUnits, minorUnits } from "../../domain/units.ts";

describe("minor units", () => {
  it.each([
    ["USD", 2, 15.75, 1_575],
    ["INR", 2, 0.01, 1],
    ["JPY", 0, 1_200, 1_200],
    ["KWD", 3, 1.234, 1_234],
  ])("of %s have %i decimal places: %f is %i", (currency, digits, decimal, minor) => {
    expect(fractionDigitsOf(currency)).toBe(digits);
    expect(minorFrom(decimal, currency)).toBe(minor);
    expect(decimalFrom(minor as MinorUnits, currency)).toBe(decimal);
  });

  it("come back from every decimal they are written as", () => {
    const amount = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 });
    const currency = fc.constantFrom("USD", "EUR", "JPY", "KWD");
    fc.assert(
      fc.property(amount, currency, (minor, code) => {
        const decimal = JSON.parse(JSON.stringify(decimalFrom(minorUnits(minor), code)));
        expect(minorFrom(decimal, code)).toBe(minor);
      }),
    );
  });

  it.each([
    ["USD", 15.755],
    ["USD", 0.001],
    ["JPY", 12.5],
    ["KWD", 1.2345],
  ])("are not made of more places than %s has: %f", (currency, decimal) => {
    expect(minorFrom(decimal, currency)).toBeNull();
  });

  it("are never a fraction: minorUnits() throws on one", () => {
    for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => minorUnits(value)).toThrow(TypeError);
    }
  });

  it("have no currency that is no code: it throws", () => {
    expect(() => fractionDigitsOf("dollars")).toThrow(RangeError);
  });
});
