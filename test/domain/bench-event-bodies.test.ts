import { expect, test } from "vitest";
import { EventBodies, type ExpectedCounts } from "../../bench/event-bodies.ts";
import { eventSchema } from "../../contract/events.ts";

const NOW = Date.UTC(2026, 10, 20, 12);

test("a body that is written over holds valid events, and each key counts once", () => {
  const bodies = new EventBodies({
    regions: ["nyc-161", "nyc-230", "nyc-79"],
    eventsPerBody: 50,
    repeatShare: 0.1,
    spreadMs: 8_000,
    run: "r",
  });
  const keys = new Set<string>();
  const counted = new Map<string, Record<string, number>>();
  let deliveries = 0;
  for (let generation = 0; generation < 20; generation++) {
    const now = NOW + generation * 137;
    for (const candidate of JSON.parse(bodies.next(now).toString("latin1")).events) {
      const { region_id, event_type, idempotency_key, timestamp } = eventSchema.parse(candidate);
      expect(timestamp).toBeGreaterThan(now - 8_000);
      expect(timestamp).toBeLessThanOrEqual(now);
      deliveries++;
      if (keys.has(`${region_id}/${idempotency_key}`)) continue;
      keys.add(`${region_id}/${idempotency_key}`);
      const byType = counted.get(region_id) ?? { search: 0, view: 0, booking: 0, cancellation: 0 };
      byType[event_type] = (byType[event_type] ?? 0) + 1;
      counted.set(region_id, byType);
    }
  }
  const expected: ExpectedCounts = new Map();
  bodies.addExpected(expected);
  expect(counted).toEqual(expected);
  // The first body's repeats are new; those of the other nineteen are repeats.
  expect(deliveries - keys.size).toBe(19 * 5);
});
