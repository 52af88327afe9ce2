import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { sectionsOf } from "../../../contract/event-batch.ts";
import { EventCursor } from "../../../contract/packed-events.ts";
import type { DemandEvent } from "../../../domain/event.ts";
import type { RegionId } from "../../../domain/units.ts";

/** Every event that an outbox has on disk. */
export async function storedEvents(): Promise<DemandEvent[]> {
  const stored: DemandEvent[] = [];
  for (const id of await listDurableObjectIds(env.OUTBOX)) {
    const batches = await runInDurableObject(env.OUTBOX.get(id), (_, state) =>
      state.storage.sql.exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM batches").toArray(),
    );
    for (const { bytes } of batches) stored.push(...eventsOf(new Uint8Array(bytes)));
  }
  return stored;
}

/** The events of batches laid end to end, as plain objects. */
export function eventsOf(batches: Uint8Array): DemandEvent[] {
  return [...sectionsOf(batches)].flatMap(({ regionId, bytes }) => packedEventsOf(regionId, bytes));
}

/** Packed events of one region, as plain objects. */
export function packedEventsOf(regionId: RegionId, packed: Uint8Array): DemandEvent[] {
  return Array.from(new EventCursor(regionId, packed), (cursor): DemandEvent => {
    const { eventType, occurredAt, keyHigh, keyLow, userHigh, userLow } = cursor;
    const { productType, quantity, metadata } = cursor;
    const key = { keyHigh, keyLow, userHigh, userLow };
    return { eventType, regionId, occurredAt, ...key, productType, quantity, metadata };
  });
}
