import { type EpochMs, floorTo, MINUTE_MS, plus } from "../../domain/units.ts";
import type { TimedEvent } from "./feed-event.ts";

export interface EventSource {
  /** All events in [minuteAt, minuteAt + 1 min), in order; the same at every call. */
  eventsOfMinute(minuteAt: EpochMs): readonly TimedEvent[];
}

export interface Batch {
  readonly events: readonly TimedEvent[];
  /** Everything before this instant is in this batch or in one before it. */
  readonly nextAt: EpochMs;
}

/**
 * The next events of [fromAt, untilAt), at most `maxEvents`.
 *
 * A batch never splits an instant, so one instant is all that has to be remembered between batches.
 *
 * @throws RangeError when a single instant holds more than `maxEvents`
 */
export function nextBatch(
  source: EventSource,
  fromAt: EpochMs,
  untilAt: EpochMs,
  maxEvents: number,
): Batch {
  const events: TimedEvent[] = [];
  for (
    let minuteAt = floorTo(fromAt, MINUTE_MS);
    minuteAt < untilAt;
    minuteAt = plus(minuteAt, MINUTE_MS)
  ) {
    for (const timed of source.eventsOfMinute(minuteAt)) {
      if (timed.at < fromAt || timed.at >= untilAt) continue;
      if (events.length === maxEvents) return cutBefore(timed, events);
      events.push(timed);
    }
  }
  return { events, nextAt: untilAt };
}

/** The batch without the events of the instant at which `leftOut` happens. */
function cutBefore(leftOut: TimedEvent, events: readonly TimedEvent[]): Batch {
  const whole = events.filter(({ at }) => at < leftOut.at);
  if (whole.length === 0) {
    throw new RangeError(`more than ${events.length} events at ${leftOut.event.timestamp}`);
  }
  return { events: whole, nextAt: leftOut.at };
}
