import fc from "fast-check";
import { expect, test } from "vitest";
import { CrashBudget } from "../../local/crash-budget.ts";

test("CrashBudget counts the crashes of the last minute, and forgets older ones", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30_000), { maxLength: 50 }), (gapsMs) => {
      const budget = new CrashBudget();
      const crashes: number[] = [];
      let at = 0;
      for (const gapMs of gapsMs) {
        at += gapMs;
        crashes.push(at);
        expect(budget.note(at)).toBe(crashes.filter((crash) => at - crash < 60_000).length);
      }
    }),
  );
});
