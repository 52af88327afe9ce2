/**
 * Progress of event time in a region, and what is too late for it.
 *
 * The watermark trails the newest event, and never passes the arrival of what it was moved by less the out-of-orderness
 * bound, so one fast clock cannot close everybody's windows. In a quiet region it trails the event clock by a longer
 * allowance, so windows close although nothing comes.
 */
import { type EpochMs, plus } from "./units.ts";
import { DEFAULT_REACH_MS } from "./window.ts";

export interface LatenessRules {
  /** The watermark trails the newest event by this much. */
  outOfOrdernessMs: number;
  /** An event older than the watermark by more than this is late. */
  allowedLatenessMs: number;
  /** A region that hears nothing for this long moves on with the event clock. */
  idleAfterMs: number;
  /** Time that an event may spend here, between the door and its window, without becoming late by it. */
  transitAllowanceMs: number;
}

/** How far back windows and sessions must be known, so that whatever is not late finds its window. */
export function reachMsOf(rules: LatenessRules): number {
  const { outOfOrdernessMs, allowedLatenessMs, transitAllowanceMs } = rules;
  return Math.max(DEFAULT_REACH_MS, outOfOrdernessMs + allowedLatenessMs + transitAllowanceMs);
}

/** Where the watermark stands at `now`, given where it stood and the newest event; it never moves back. */
export function watermarkFrom(
  previousAt: EpochMs,
  newestEventAt: EpochMs,
  now: EpochMs,
  { outOfOrdernessMs, idleAfterMs }: LatenessRules,
): EpochMs {
  const byEvents = Math.min(newestEventAt, now) - outOfOrdernessMs;
  const byIdling = now - outOfOrdernessMs - idleAfterMs;
  return Math.max(previousAt, byEvents, byIdling) as EpochMs;
}

/** Keys of events older than this need not be remembered: a repeat of one would be late. */
export function forgetBefore(watermarkAt: EpochMs, rules: LatenessRules): EpochMs {
  return plus(watermarkAt, -rules.allowedLatenessMs - rules.transitAllowanceMs);
}

/**
 * Events that occurred before this are late.
 *
 * Lateness is the sender's, so it is judged by when the event was received at the door: what an outage between door and
 * window adds is forgiven, up to the transit allowance, which is as far as repeats are remembered.
 */
export function lateBefore(
  watermarkAt: EpochMs,
  receivedAt: EpochMs,
  rules: LatenessRules,
): EpochMs {
  const progressAt = Math.min(watermarkAt, receivedAt - rules.outOfOrdernessMs);
  return Math.max(
    progressAt - rules.allowedLatenessMs,
    forgetBefore(watermarkAt, rules),
  ) as EpochMs;
}
