/** The queue's consumer: parcels go to the objects of their regions. */
import { type Log, messageOf } from "../../contract/log.ts";
import { parcelOf } from "../../contract/parcel.ts";
import type { RegionId } from "../../domain/units.ts";
import type { AggregatorMetrics } from "./aggregator-metrics.ts";
import { bringParcels, type IntakePorts } from "./bring-parcels.ts";
import { type ForeignPorts, setForeignAside } from "./set-foreign-aside.ts";

/** What is used of a message. */
export interface ParcelMessage {
  readonly id: string;
  readonly body: unknown;
  ack(): void;
  retry(): void;
}

export interface ConsumerPorts extends ForeignPorts, IntakePorts {
  wallNow(): number;
  metrics: AggregatorMetrics;
  log: Log;
}

interface Delivery {
  message: ParcelMessage;
  regionId: RegionId;
  bytes: Uint8Array;
}

/**
 * Applies a batch of messages. A message is done with once its region has counted it: that it is stored the region tells the
 * outbox, which sends it again until then. Never rejects, since the whole batch would come again: a region that fails has its
 * own messages retried.
 */
export async function consumeParcels(
  messages: readonly ParcelMessage[],
  ports: ConsumerPorts,
): Promise<void> {
  ports.metrics.batches.value++;
  const byRegion = new Map<RegionId, Delivery[]>();
  const foreign: ParcelMessage[] = [];
  for (const message of messages) {
    const delivery = deliveryFrom(message);
    if (!delivery) {
      foreign.push(message);
      continue;
    }
    const { regionId } = delivery;
    const together = byRegion.get(regionId);
    if (together) together.push(delivery);
    else byRegion.set(regionId, [delivery]);
  }
  await Promise.all([
    ...Array.from(byRegion, ([regionId, deliveries]) => applyTo(regionId, deliveries, ports)),
    ...foreign.map((message) => setForeignAside(message, ports)),
  ]);
}

function deliveryFrom(message: ParcelMessage): Delivery | null {
  const { body } = message;
  const parcel = parcelOf(body);
  if (!parcel) return null;
  const bytes = body instanceof ArrayBuffer ? new Uint8Array(body) : (body as Uint8Array);
  return { message, regionId: parcel.regionId, bytes };
}

/** Hands a region its parcels, all of them or none. */
async function applyTo(
  regionId: RegionId,
  deliveries: readonly Delivery[],
  ports: ConsumerPorts,
): Promise<void> {
  const { wallNow, metrics, log } = ports;
  const startedAt = wallNow();
  const parcels = deliveries.map(({ bytes }) => bytes);
  try {
    const areCounted = await bringParcels(regionId, parcels, ports, (applied) => {
      metrics.applied(applied, (wallNow() - startedAt) / 1_000, regionId);
    });
    for (const { message } of deliveries) {
      if (areCounted) message.ack();
      else message.retry();
    }
  } catch (error) {
    log("error", "a region did not take its parcels", { regionId, error: messageOf(error) });
    metrics.failedApplies.value++;
    for (const { message } of deliveries) message.retry();
  }
}
