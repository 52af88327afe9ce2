import { describe, expect, it } from "vitest";
import { latenessRulesFrom } from "../../../workers/aggregator/lateness-rules.ts";

const VARS = {
  OUT_OF_ORDERNESS_MS: "10000",
  ALLOWED_LATENESS_MS: "300000",
  IDLE_AFTER_MS: "300000",
  TRANSIT_ALLOWANCE_MS: "60000",
};

describe("latenessRulesFrom()", () => {
  it("reads lengths of event time as they are, and the way to the window by the speed of the clock", () => {
    expect(latenessRulesFrom(VARS, 60)).toEqual({
      outOfOrdernessMs: 10_000,
      allowedLatenessMs: 300_000,
      idleAfterMs: 300_000,
      transitAllowanceMs: 3_600_000,
    });
  });

  it.each(["", "soon", "-1", "1.5", "21600001", "Infinity"])("refuses a lateness of %j", (text) => {
    expect(() => latenessRulesFrom({ ...VARS, ALLOWED_LATENESS_MS: text }, 1)).toThrow(
      /ALLOWED_LATENESS_MS/,
    );
  });
});
