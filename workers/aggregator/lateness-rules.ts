import { HOUR_MS } from "../../domain/units.ts";
import type { LatenessRules } from "../../domain/watermark.ts";

/** The vars of wrangler.toml that say how event time passes, in milliseconds. */
export interface LatenessVars {
  OUT_OF_ORDERNESS_MS: string;
  ALLOWED_LATENESS_MS: string;
  IDLE_AFTER_MS: string;
  TRANSIT_ALLOWANCE_MS: string;
}

/** Keys are remembered, and seconds of windows kept, for as long as events may come: more would not fit into an object. */
const MOST_MS = 6 * HOUR_MS;

/**
 * The lateness rules of a deployment. `clockSpeed` is event milliseconds per wall millisecond: what passes on the way from the door
 * to the window passes on the wall. Throws RangeError, with a sentence that names the var, on anything but 0 to six hours.
 */
export function latenessRulesFrom(vars: LatenessVars, clockSpeed: number): LatenessRules {
  return {
    outOfOrdernessMs: lengthOf(vars, "OUT_OF_ORDERNESS_MS"),
    allowedLatenessMs: lengthOf(vars, "ALLOWED_LATENESS_MS"),
    idleAfterMs: lengthOf(vars, "IDLE_AFTER_MS"),
    transitAllowanceMs: lengthOf(vars, "TRANSIT_ALLOWANCE_MS") * clockSpeed,
  };
}

function lengthOf(vars: LatenessVars, name: keyof LatenessVars): number {
  const text = vars[name];
  const lengthMs = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isSafeInteger(lengthMs) && lengthMs >= 0 && lengthMs <= MOST_MS) return lengthMs;
  throw new RangeError(`${name} is "${text}": it has to be whole milliseconds, 0 to ${MOST_MS}`);
}
