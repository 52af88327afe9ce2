import { MINUTE_MS } from "../domain/units.ts";

/** Counts crashes over a sliding minute. */
export class CrashBudget {
  private crashes: number[] = [];

  /** Notes a crash; `at` in milliseconds, never earlier than before. Returns how many lie within the last minute. */
  note(at: number): number {
    this.crashes = [...this.crashes.filter((earlier) => at - earlier < MINUTE_MS), at];
    return this.crashes.length;
  }
}
