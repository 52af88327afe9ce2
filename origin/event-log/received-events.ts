import { ALL_EVENT_TYPES, type EventType } from "../../domain/event.ts";
import { type EpochMs, epochMs, type ProductType, type RegionId } from "../../domain/units.ts";
import type { BronzeStore } from "./bronze-sink.ts";
import { createLogViews, type ReceivedRange } from "./log-views.ts";
import type { ReceivedEvent } from "./replay-parcels.ts";

/** A region's deliveries in a range, and what tells them from others: equal only for the same deliveries. */
export interface RangeContents {
  deliveries: number;
  fingerprint: string;
}

const OF_REGION = `FROM bronze_events
  WHERE region_id = $regionId
    AND received_at >= epoch_ms($from::BIGINT) AND received_at < epoch_ms($to::BIGINT)`;

/** How much a range holds. Makes the views over the range. */
export async function rangeContents(
  store: BronzeStore,
  regionId: RegionId,
  range: Required<ReceivedRange>,
): Promise<RangeContents> {
  await createLogViews(store, range);
  const counted = await store.duckdb.runAndReadAll(
    `SELECT count(*)::DOUBLE AS deliveries, coalesce(bit_xor(hash(writer, sequence, position)), 0)::VARCHAR AS fingerprint
     ${OF_REGION}`,
    { regionId, ...range },
  );
  const [row] = counted.getRowObjectsJson();
  return { deliveries: Number(row?.deliveries), fingerprint: String(row?.fingerprint) };
}

/**
 * A region's deliveries in a range, repeats among them, in the order in which the door received them: always the same one.
 * DuckDB sorts them beyond its memory; here a few thousand are held at a time.
 */
export async function* receivedEvents(
  store: BronzeStore,
  regionId: RegionId,
  range: Required<ReceivedRange>,
): AsyncGenerator<ReceivedEvent> {
  await createLogViews(store, range);
  const result = await store.duckdb.stream(
    `SELECT event_type, epoch_ms(occurred_at)::DOUBLE, epoch_ms(received_at)::DOUBLE, key, "user", product_type,
       quantity, metadata
     ${OF_REGION} ORDER BY received_at, writer, sequence, position`,
    { regionId, ...range },
  );
  for await (const rows of result.yieldRowsJs()) {
    for (const row of rows) yield eventOf(row, regionId);
  }
}

function eventOf(row: readonly unknown[], regionId: RegionId): ReceivedEvent {
  const [type, occurredAt, receivedAt, key, user, productType, quantity, metadata] = row;
  const [keyHigh, keyLow] = halvesOf(String(key));
  const [userHigh, userLow] = user === null ? [0, 0] : halvesOf(String(user));
  return {
    eventType: eventTypeOf(type),
    regionId,
    occurredAt: instantOf(occurredAt),
    receivedAt: instantOf(receivedAt),
    ...{ keyHigh, keyLow, userHigh, userLow },
    productType: productType === null ? null : (String(productType) as ProductType),
    quantity: Number(quantity),
    metadata: metadata === null ? "" : String(metadata),
  };
}

function eventTypeOf(name: unknown): EventType {
  const type = ALL_EVENT_TYPES.find((known) => known === name);
  if (type === undefined) throw new RangeError(`no event type is named ${String(name)}`);
  return type;
}

function instantOf(value: unknown): EpochMs {
  return epochMs(Number(value));
}

/** Two unsigned halves of 16 hex digits. */
function halvesOf(hex: string): [high: number, low: number] {
  return [Number.parseInt(hex.slice(0, 8), 16), Number.parseInt(hex.slice(8), 16)];
}
