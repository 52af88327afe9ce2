import type { EventInput, EventsAnswer } from "../../contract/events.ts";
import { type EpochMs, MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { type EventSource, nextBatch } from "./batch.ts";

/**
 * The feed's loop: send what has happened since the last batch, remember how far that was, wait.
 *
 * One request at a time and each until it is answered, so nothing is lost or overtaken. A batch that
 * was stored but whose answer was lost goes again under the same keys, which ingest counts once.
 */
export type PostOutcome =
  | { readonly kind: "settled"; readonly answer: EventsAnswer }
  /** Not stored, or not known to be; worth another try, after `retryAfterMs` where the answer says so. */
  | { readonly kind: "failed"; readonly reason: string; readonly retryAfterMs: number | null };

export interface FeedPorts {
  readonly source: EventSource;
  /** Events of one request. */
  readonly maxEvents: number;
  post(events: readonly EventInput[]): Promise<PostOutcome>;
  eventNow(): EpochMs;
  /** Waits; comes back early once `signal` is aborted. */
  sleep(lengthMs: number): Promise<void>;
  /** Everything before `nextAt` is settled. */
  saveCursor(nextAt: EpochMs): Promise<void>;
  observe(event: FeedNote): void;
}

export type FeedNote =
  | {
      readonly kind: "settled";
      readonly sent: number;
      readonly answer: EventsAnswer;
      readonly lagMs: number;
    }
  | { readonly kind: "retry"; readonly reason: string; readonly waitMs: number };

/** How often the feed looks whether something happened, in wall time. */
const POLL_MS = 250;
/**
 * A feed that is behind plays at most so many times as fast as event time passes. Batches take ways of different length to
 * their region; sent all at once, the newest would move the watermark past the others.
 */
const CATCH_UP_PACE = 4;
const MIN_LOOK_MS = MINUTE_MS;
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 10 * SECOND_MS;

/**
 * Plays from `fromAt` on until `signal` is aborted.
 *
 * @throws on a bug, or when the cursor cannot be kept; never because ingest fails
 */
export async function playFeed(
  ports: FeedPorts,
  fromAt: EpochMs,
  signal: AbortSignal,
): Promise<void> {
  let nextAt = fromAt;
  let lookedAt = ports.eventNow();
  while (!signal.aborted) {
    const now = ports.eventNow();
    if (now <= nextAt) {
      await ports.sleep(POLL_MS);
      continue;
    }
    const lookMs = Math.max(MIN_LOOK_MS, CATCH_UP_PACE * (now - lookedAt));
    lookedAt = now;
    const untilAt = Math.min(now, nextAt + lookMs) as EpochMs;
    const batch = nextBatch(ports.source, nextAt, untilAt, ports.maxEvents);
    if (batch.events.length > 0) {
      const answer = await postUntilSettled(
        ports,
        batch.events.map(({ event }) => event),
        signal,
      );
      if (answer === null) return;
      const lagMs = now - batch.nextAt;
      ports.observe({ kind: "settled", sent: batch.events.length, answer, lagMs });
      await ports.saveCursor(batch.nextAt);
    }
    nextAt = batch.nextAt;
    // A quiet stretch is passed over at once; a busy look that was cut short goes on at once.
    const isQuiet = batch.events.length === 0 && nextAt < now;
    if (!isQuiet && nextAt === untilAt) await ports.sleep(POLL_MS);
  }
}

/** The answer that settled the events, or null when the feed was stopped before there was one. */
async function postUntilSettled(
  ports: FeedPorts,
  events: readonly EventInput[],
  signal: AbortSignal,
): Promise<EventsAnswer | null> {
  let waitMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const outcome = await ports.post(events);
    if (outcome.kind === "settled") return outcome.answer;
    if (signal.aborted) break;
    const pauseMs = Math.max(waitMs, outcome.retryAfterMs ?? 0);
    ports.observe({ kind: "retry", reason: outcome.reason, waitMs: pauseMs });
    await ports.sleep(pauseMs);
    waitMs = Math.min(waitMs * 2, LONGEST_RETRY_MS);
  }
  return null;
}
