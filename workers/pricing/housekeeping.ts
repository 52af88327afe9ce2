/**
 * What the hourly cron sees to: decisions, exposures, redemptions, late events, dead letters and the event log are deleted where they are too old or too many,
 * and the keys in force are published again where that went wrong.
 */
import { DAY_MS } from "../../domain/units.ts";
import type { DeadLetterMetrics } from "./dead-letters/dead-letter-metrics.ts";
import {
  type LetterBounds,
  storedByQueue,
  trimDeadLetters,
} from "./dead-letters/dead-letter-store.ts";
import type { EdgeDatabase } from "./decision-store.ts";
import { forgetDecisionsBefore } from "./decisions/forget-decisions.ts";
import type { SegmentStore } from "./decisions/segment-store.ts";
import type { EventLogStore } from "./event-log-store.ts";
import { forgetExposuresBefore } from "./experiments/exposure-store.ts";
import { republishKeys } from "./keys/publish-keys.ts";
import { trimLateEvents } from "./late-events/late-event-store.ts";
import { forgetRedemptionsBefore } from "./quotes/redemption-store.ts";
import type { ConfigStore } from "./stores.ts";

/** As long as somebody may still analyse an experiment. */
const EXPOSURES_KEPT_MS = 180 * DAY_MS;
const LATE_EVENTS_KEPT_MS = 30 * DAY_MS;
const MAX_LATE_EVENTS = 200_000;
const DEAD_LETTERS_KEPT_MS = 30 * DAY_MS;
/** One that went back and did not come again has found its way; one that was purged has no copies left to come. */
const SETTLED_KEPT_MS = DAY_MS;
const MAX_DEAD_LETTERS = 20_000;
/** Of the 10 GB that a D1 database may have. */
const MAX_DEAD_LETTER_BYTES = 1024 ** 3;

export interface HousekeepingPorts {
  database: EdgeDatabase;
  config: ConfigStore;
  segments: SegmentStore;
  decisionsKeptMs: number;
  eventLog: EventLogStore;
  /** How long segments of the event log are kept. */
  segmentsKeptMs: number;
  metrics: DeadLetterMetrics;
}

/** What dead letters may take. `now` is the wall clock. */
export function letterBoundsAt(now: number): LetterBounds {
  return {
    keptSince: now - DEAD_LETTERS_KEPT_MS,
    settledSince: now - SETTLED_KEPT_MS,
    maxLetters: MAX_DEAD_LETTERS,
    maxBytes: MAX_DEAD_LETTER_BYTES,
  };
}

/** Does all of it. Rejects when a part failed; the others were done. */
export async function keepHouse(ports: HousekeepingPorts, now: number): Promise<void> {
  const { database, config, segments, decisionsKeptMs, eventLog, segmentsKeptMs, metrics } = ports;
  const results = await Promise.allSettled([
    forgetDecisionsBefore({ database, segments }, now - decisionsKeptMs),
    forgetRedemptionsBefore(database, now - decisionsKeptMs),
    forgetExposuresBefore(database, now - EXPOSURES_KEPT_MS),
    trimLateEvents(database, now - LATE_EVENTS_KEPT_MS, MAX_LATE_EVENTS),
    trimLetters(database, metrics, now),
    eventLog.forgetBefore(now - segmentsKeptMs),
    republishKeys(database, config, () => now),
  ]);
  const faults = results.filter((result) => result.status === "rejected");
  if (faults.length > 0) {
    throw new AggregateError(faults.map(({ reason }) => reason));
  }
}

/** Brings the dead letters within their bounds, and counts what is left. */
export async function trimLetters(
  database: EdgeDatabase,
  metrics: DeadLetterMetrics,
  now: number,
): Promise<void> {
  metrics.trimmed.value += await trimDeadLetters(database, letterBoundsAt(now));
  metrics.stored(await storedByQueue(database));
}
