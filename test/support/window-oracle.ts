/** What a batch job says of the windows of a stream, with no state, no watermark and no order of arrival. */

import type { DemandEvent } from "../../domain/event.ts";
import { TUMBLING_WIDTHS_MS } from "../../domain/tumbling.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import type { WindowSignal } from "../../domain/window-signals.ts";

type Said = Omit<WindowSignal, "revision">;

const SUPPLY_VALID_MS = 10 * MINUTE_MS;

/** Every window in which something happened or a session was open at the end, by width and start. */
export function oracleSignals(events: readonly DemandEvent[]): Map<string, Said> {
  const signals = new Map<string, Said>();
  const times = events.filter(({ eventType }) => eventType !== "supply_update");
  const first = Math.min(...times.map(({ occurredAt }) => occurredAt));
  const last = Math.max(...times.map(({ occurredAt }) => occurredAt)) + 40 * MINUTE_MS;
  for (const widthMs of TUMBLING_WIDTHS_MS) {
    for (let startAt = Math.floor(first / widthMs) * widthMs; startAt < last; startAt += widthMs) {
      const signal = signalOf(events, startAt, widthMs);
      const { counts, activeSessions } = signal;
      if (activeSessions > 0 || Object.values(counts).some((count) => count > 0)) {
        signals.set(signalKey(signal), signal);
      }
    }
  }
  return signals;
}

export function signalKey({ startAt, widthMs }: Pick<WindowSignal, "startAt" | "widthMs">): string {
  return `${widthMs / MINUTE_MS} min from ${new Date(startAt).toISOString()}`;
}

function signalOf(events: readonly DemandEvent[], startAt: number, widthMs: number): Said {
  const endAt = startAt + widthMs;
  const between = (type: string, fromAt: number) =>
    events.filter(({ eventType, occurredAt }) => {
      return eventType === type && occurredAt >= fromAt && occurredAt < endAt;
    });
  const count = (type: string) => between(type, startAt).length;
  // Seconds are whole: a session is open to the second half an hour after the one of its last event.
  const sessionsFrom = endAt - 30 * MINUTE_MS;
  const present = events.filter(({ eventType, occurredAt, userHigh }) => {
    const at = Math.floor(occurredAt / SECOND_MS) * SECOND_MS;
    return userHigh !== 0 && eventType !== "supply_update" && at >= sessionsFrom && at < endAt;
  });
  const supply = between("supply_update", endAt - SUPPLY_VALID_MS + 1)
    .toSorted((a, b) => a.occurredAt - b.occurredAt)
    .at(-1);
  return {
    startAt: startAt as WindowSignal["startAt"],
    widthMs,
    counts: {
      search: count("search"),
      view: count("view"),
      booking: count("booking"),
      cancellation: count("cancellation"),
    },
    activeSessions: new Set(present.map(({ userHigh }) => userHigh)).size,
    bookingCount15m: between("booking", endAt - 15 * MINUTE_MS).length,
    supply: supply ? (JSON.parse(supply.metadata) as WindowSignal["supply"]) : null,
  };
}
