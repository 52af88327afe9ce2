/** How much a variant differs from the control: as a difference of means, and relative to the control's mean. */
import { studentCritical, studentTails } from "./distributions.ts";
import type { Moments } from "./moments.ts";

/** An estimate with its standard error. */
export interface Estimate {
  value: number;
  standardError: number;
  /** Welch and Satterthwaite's. */
  degreesOfFreedom: number;
}

export interface Interval {
  low: number;
  high: number;
}

/** Treatment minus control, each with a variance of its own (Welch 1947). Null of fewer than two users on a side. */
export function differenceOfMeans(control: Moments, treatment: Moments): Estimate | null {
  if (control.count < 2 || treatment.count < 2) return null;
  return {
    value: treatment.mean - control.mean,
    ...errorOf(control.variance / control.count, treatment.variance / treatment.count, [
      control.count,
      treatment.count,
    ]),
  };
}

/**
 * Treatment by control, less 1. The error is the delta method's: the variance of a ratio to first order (Deng, Knoblich and Lu,
 * "Applying the Delta Method in Metric Analytics", KDD 2018). Null where the control's mean is not clearly other than 0, for then
 * the ratio has no such error.
 */
export function relativeLift(control: Moments, treatment: Moments): Estimate | null {
  if (control.count < 2 || treatment.count < 2 || control.mean === 0) return null;
  const ofControl = control.variance / control.count;
  const ofTreatment = treatment.variance / treatment.count;
  if (Math.abs(control.mean) < MIN_MEAN_IN_ERRORS * Math.sqrt(ofControl)) return null;
  const square = control.mean ** 2;
  const ratio = treatment.mean / control.mean;
  return {
    value: ratio - 1,
    ...errorOf((ratio ** 2 * ofControl) / square, ofTreatment / square, [
      control.count,
      treatment.count,
    ]),
  };
}

/** With a mean this many standard errors from 0 the first order is good to a few per cent. */
const MIN_MEAN_IN_ERRORS = 3;

/** The range that holds the true value in 1 - alpha of experiments looked at once. */
export function intervalOf({ value, standardError, degreesOfFreedom }: Estimate, alpha: number) {
  // Nothing varied: the value is what it is.
  const reach = standardError === 0 ? 0 : studentCritical(alpha, degreesOfFreedom) * standardError;
  return { low: value - reach, high: value + reach } satisfies Interval;
}

/** How often so large a value, or a larger one, would be seen where there is no difference; looked at once, at a planned end. */
export function pValueOf({ value, standardError, degreesOfFreedom }: Estimate): number {
  if (standardError === 0) return value === 0 ? 1 : 0;
  return studentTails(value / standardError, degreesOfFreedom);
}

function errorOf(
  ofControl: number,
  ofTreatment: number,
  [controls, treated]: readonly [number, number],
): Pick<Estimate, "standardError" | "degreesOfFreedom"> {
  const variance = ofControl + ofTreatment;
  const spread = ofControl ** 2 / (controls - 1) + ofTreatment ** 2 / (treated - 1);
  return {
    standardError: Math.sqrt(variance),
    degreesOfFreedom: spread === 0 ? controls + treated - 2 : variance ** 2 / spread,
  };
}
