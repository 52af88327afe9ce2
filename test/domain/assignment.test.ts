import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Assigner, HoldoutDraw, SaltedDraw } from "../../domain/assignment.ts";
import { experiment, user, users, variant } from "../support/experiment-samples.ts";

const USERS = users(20_000);
/** Upper 0.1 % points of the chi-squared distribution, by degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.4). */
const CHI_SQUARED_999: Record<number, number> = { 1: 10.828, 2: 13.816, 3: 16.266, 9: 27.877 };

/** Sum of (observed - expected)^2 / expected. */
function chiSquared(observed: readonly number[], shares: readonly number[]): number {
  const total = observed.reduce((sum, count) => sum + count, 0);
  return observed.reduce((sum, count, i) => {
    const expected = total * (shares[i] ?? 0);
    return sum + (count - expected) ** 2 / expected;
  }, 0);
}

function countsOf(assigner: Assigner): number[] {
  const { variants } = assigner.experiment;
  const counts = variants.map(() => 0);
  for (const one of USERS) {
    const given = assigner.assign(one);
    if (given) counts[variants.indexOf(given)] = (counts[variants.indexOf(given)] ?? 0) + 1;
  }
  return counts;
}

const salts = fc.string({ minLength: 1, maxLength: 64, unit: "grapheme" });

describe("SaltedDraw", () => {
  it("draws both numbers uniformly, and the one says nothing of the other", () => {
    const draw = new SaltedDraw("uniform");
    const [first, second] = [new Array(10).fill(0), new Array(10).fill(0)];
    const quadrants = [0, 0, 0, 0];
    for (const one of USERS) {
      draw.of(one);
      first[Math.floor(draw.first * 10)] += 1;
      second[Math.floor(draw.second * 10)] += 1;
      const quadrant = (draw.first < 0.5 ? 0 : 1) + (draw.second < 0.5 ? 0 : 2);
      quadrants[quadrant] = (quadrants[quadrant] ?? 0) + 1;
    }
    const tenths = new Array(10).fill(0.1);
    expect(chiSquared(first, tenths)).toBeLessThan(CHI_SQUARED_999[9] ?? 0);
    expect(chiSquared(second, tenths)).toBeLessThan(CHI_SQUARED_999[9] ?? 0);
    expect(chiSquared(quadrants, new Array(4).fill(0.25))).toBeLessThan(CHI_SQUARED_999[3] ?? 0);
  });

  it("keeps to numbers of a known draw: another one would move everybody", () => {
    const draw = new SaltedDraw("golden");
    draw.of({ high: 0x01234567, low: 0x89abcdef });
    expect([draw.first, draw.second]).toMatchInlineSnapshot(`
      [
        0.6568556933198124,
        0.9833850041031837,
      ]
    `);
  });
});

describe("Assigner", () => {
  it("gives variants in proportion to their weights", () => {
    const variants = [variant("a", 1), variant("b", 2), variant("c", 5)];
    const counts = countsOf(new Assigner(experiment({ variants }), null));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(USERS.length);
    expect(chiSquared(counts, [1 / 8, 2 / 8, 5 / 8])).toBeLessThan(CHI_SQUARED_999[2] ?? 0);
  });

  it("takes in the share of users that is its traffic", () => {
    const counts = countsOf(new Assigner(experiment({ traffic: 0.3 }), null));
    const taken = counts.reduce((sum, count) => sum + count, 0);
    expect(chiSquared([taken, USERS.length - taken], [0.3, 0.7])).toBeLessThan(
      CHI_SQUARED_999[1] ?? 0,
    );
  });

  it("says the same of a user however often and wherever it is asked", () => {
    fc.assert(
      fc.property(
        salts,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(),
        (salt, traffic, n) => {
          const one = new Assigner(experiment({ salt, traffic }), null);
          const given = one.assign(user(n));
          one.assign(user(n + 1));
          expect(one.assign(user(n))).toBe(given);
          const elsewhere = new Assigner(experiment({ salt, traffic }), null);
          expect(elsewhere.assign(user(n))).toEqual(given);
        },
      ),
    );
  });

  it("only adds users when traffic grows, and leaves those it has where they are", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(salts, share, share, (salt, one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        const before = new Assigner(experiment({ salt, traffic: less }), null);
        const after = new Assigner(experiment({ salt, traffic: more }), null);
        for (const someone of USERS.slice(0, 300)) {
          const had = before.assign(someone);
          if (had) expect(after.assign(someone)?.name).toBe(had.name);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("draws anew under another salt: what one experiment gave says nothing of what another gives", () => {
    const [one, other] = ["one", "other"].map((salt) => new Assigner(experiment({ salt }), null));
    const table = [0, 0, 0, 0];
    for (const someone of USERS) {
      const cell =
        (one?.assign(someone)?.name === "control" ? 0 : 1) +
        (other?.assign(someone)?.name === "control" ? 0 : 2);
      table[cell] = (table[cell] ?? 0) + 1;
    }
    // Under independence each pair has a quarter of the users.
    expect(chiSquared(table, new Array(4).fill(0.25))).toBeLessThan(CHI_SQUARED_999[3] ?? 0);
  });

  it("takes in nobody at no traffic, everybody at all of it", () => {
    expect(countsOf(new Assigner(experiment({ traffic: 0 }), null))).toEqual([0, 0]);
    const [control = 0, other = 0] = countsOf(new Assigner(experiment({ traffic: 1 }), null));
    expect(control + other).toBe(USERS.length);
  });

  it("finds a variant for every user whatever the weights", () => {
    const weights = fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), {
      minLength: 2,
      maxLength: 20,
    });
    fc.assert(
      fc.property(weights, (some) => {
        const variants = some.map((weight, i) => variant(`v${i}`, weight));
        const assigner = new Assigner(experiment({ variants }), null);
        for (const someone of USERS.slice(0, 200)) expect(assigner.assign(someone)).not.toBeNull();
      }),
    );
  });

  it("never takes in who is held out, and holds out the same users for every experiment", () => {
    const holdout = { salt: "holdout", share: 0.1 };
    const held = new HoldoutDraw(holdout);
    const assigners = ["one", "other"].map((salt) => new Assigner(experiment({ salt }), holdout));
    let heldCount = 0;
    for (const someone of USERS) {
      const isHeld = held.holds(someone);
      if (isHeld) heldCount += 1;
      for (const assigner of assigners) expect(assigner.assign(someone) === null).toBe(isHeld);
    }
    expect(chiSquared([heldCount, USERS.length - heldCount], [0.1, 0.9])).toBeLessThan(
      CHI_SQUARED_999[1] ?? 0,
    );
  });
});
