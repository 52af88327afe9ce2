/** The SDK's types are a copy; these hold the copy to the contract. Wrong types fail `npm run check`, not the run. */
import { expect, expectTypeOf, test } from "vitest";
import { type EventInput, eventSchema, type RejectedEvent } from "../../../contract/events.ts";
import type * as sdk from "../../../sdk/src/generated/event-types.ts";
import { type TrackedEvent, wireTextOf } from "../../../sdk/src/tracked-event.ts";

test("an event of the SDK is an event of the contract, and the other way round", () => {
  expectTypeOf<sdk.WireEvent>().toExtend<EventInput>();
  expectTypeOf<EventInput>().toExtend<sdk.WireEvent>();
  expectTypeOf<sdk.EventType>().toEqualTypeOf<EventInput["event_type"]>();
  expectTypeOf<sdk.RejectedEvent>().toExtend<RejectedEvent>();
  expectTypeOf<RejectedEvent>().toExtend<sdk.RejectedEvent>();
});

test("metadata is typed by the event's type", () => {
  type Of<Type extends sdk.EventType> = Extract<TrackedEvent, { event_type: Type }>;
  expectTypeOf<Of<"supply_update">["metadata"]>().toExtend<{ available: number; busy: number }>();
  expectTypeOf<{ event_type: "supply_update"; region_id: string }>().not.toExtend<TrackedEvent>();
  expectTypeOf<{ event_type: "view"; region_id: string }>().toExtend<TrackedEvent>();
});

test("what is tracked with nothing but the required fields is what the service takes", () => {
  const regionId = { region_id: "nyc-161" };
  const tracked: TrackedEvent[] = [
    { event_type: "search", ...regionId },
    { event_type: "view", ...regionId },
    { event_type: "booking", ...regionId, idempotency_key: "b-1" },
    { event_type: "cancellation", ...regionId, timestamp: "2026-01-11T10:30:00+01:00" },
    { event_type: "supply_update", ...regionId, metadata: { available: 3, busy: 4 } },
    {
      event_type: "driver_location",
      ...regionId,
      metadata: { driver_id: "d", status: "busy", heading: 4 },
    },
    { event_type: "weather", ...regionId, metadata: { temp_f: 50, precip_in: 0 } },
    { event_type: "traffic", ...regionId, metadata: { index: 0.5 } },
    { event_type: "local_event", ...regionId, metadata: { score: 1 } },
    { event_type: "holiday", ...regionId, metadata: { name: "Memorial Day" } },
    { event_type: "sale", ...regionId, quantity: -1 },
    { event_type: "stock_level", ...regionId, metadata: { on_hand: 1 } },
    { event_type: "price_change", ...regionId, metadata: { price: 9.5 } },
  ];
  for (const event of tracked) {
    const { text } = wireTextOf(event, Date.parse("2026-01-11T10:30:00Z"), () => "made");
    expect(eventSchema.safeParse(JSON.parse(text))).toMatchObject({ success: true });
  }
  expect(new Set(tracked.map((event) => event.event_type)).size).toBe(tracked.length);
});
