/** What is used of Cephes: its package has types, and names them nowhere that a compiler looks. */
declare module "cephes" {
  /** Done once the WebAssembly is compiled. */
  export const compiled: Promise<void>;
  /** Normal distribution, and its inverse. */
  export function ndtr(z: number): number;
  export function ndtri(probability: number): number;
  /** Upper tail of the chi-squared distribution. */
  export function chdtrc(degreesOfFreedom: number, x: number): number;
  /** Regularised incomplete beta function, and its inverse in x. */
  export function incbet(a: number, b: number, x: number): number;
  export function incbi(a: number, b: number, probability: number): number;
}
