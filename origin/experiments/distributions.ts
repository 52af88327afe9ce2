/** The distributions that experiments are judged by, from Cephes (Moshier), the library behind SciPy's. */
import { chdtrc, compiled, incbet, incbi, ndtr, ndtri } from "cephes";

// WebAssembly: compiled once, when this file is first imported.
await compiled;

/** P(Z <= z) of the standard normal distribution. */
export function normalCdf(z: number): number {
  return ndtr(z);
}

/** The z that a standard normal value is below with `probability`. */
export function normalQuantile(probability: number): number {
  return ndtri(probability);
}

/** P(|Z| >= |z|). */
export function normalTails(z: number): number {
  return Math.min(1, 2 * ndtr(-Math.abs(z)));
}

/** P(X >= x) of the chi-squared distribution. */
export function chiSquaredTail(x: number, degreesOfFreedom: number): number {
  return x <= 0 ? 1 : chdtrc(degreesOfFreedom, x);
}

/** P(|T| >= |t|) of Student's t distribution; degrees of freedom need not be whole (Abramowitz and Stegun 26.7.1). */
export function studentTails(t: number, degreesOfFreedom: number): number {
  return incbet(degreesOfFreedom / 2, 0.5, degreesOfFreedom / (degreesOfFreedom + t * t));
}

/** The t that |T| is above with probability `alpha`. */
export function studentCritical(alpha: number, degreesOfFreedom: number): number {
  const x = incbi(degreesOfFreedom / 2, 0.5, alpha);
  return Math.sqrt((degreesOfFreedom * (1 - x)) / x);
}
