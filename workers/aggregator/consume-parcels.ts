/** The queue's consumer: parcels go to the objects of their regions, then their outboxes may forget them. */
import { type Log, messageOf } from "../../contract/log.ts";
import { type Parcel, parcelOf } from "../../contract/parcel.ts";
import type { OutboxRpc, RegionIntakeRpc } from "../../contract/rpc.ts";
import type { RegionId } from "../../domain/units.ts";
import type { AggregatorMetrics } from "./aggregator-metrics.ts";

/** What is used of a message. */
export interface ParcelMessage {
  readonly id: string;
  readonly body: unknown;
  ack(): void;
  retry(): void;
}

export interface ConsumerPorts {
  region(regionId: RegionId): RegionIntakeRpc;
  outbox(name: string): OutboxRpc;
  wallNow(): number;
  metrics: AggregatorMetrics;
  log: Log;
}

interface Delivery {
  message: ParcelMessage;
  parcel: Parcel;
  bytes: Uint8Array;
}

/**
 * Applies a batch of messages. Never rejects, since the whole batch would come again: a region that fails has its own messages
 * retried, and what cannot be confirmed is sent again by its outbox and dropped as known.
 */
export async function consumeParcels(
  messages: readonly ParcelMessage[],
  ports: ConsumerPorts,
): Promise<void> {
  const byRegion = new Map<RegionId, Delivery[]>();
  for (const message of messages) {
    const delivery = deliveryFrom(message);
    if (!delivery) {
      // It will not become a parcel by coming again; if it ever was one, its outbox sends it anew.
      ports.log("error", "a message is no parcel", { messageId: message.id });
      ports.metrics.foreignMessages.value++;
      message.ack();
      continue;
    }
    const { regionId } = delivery.parcel;
    const together = byRegion.get(regionId);
    if (together) together.push(delivery);
    else byRegion.set(regionId, [delivery]);
  }
  const applied = await Promise.all(
    Array.from(byRegion, ([regionId, deliveries]) => applyTo(regionId, deliveries, ports)),
  );
  const done = applied.flat();
  await confirm(done, ports);
  for (const { message } of done) message.ack();
}

function deliveryFrom(message: ParcelMessage): Delivery | null {
  const { body } = message;
  const parcel = parcelOf(body);
  if (!parcel) return null;
  const bytes = body instanceof ArrayBuffer ? new Uint8Array(body) : (body as Uint8Array);
  return { message, parcel, bytes };
}

/** The deliveries that the region has stored: all of them or none. */
async function applyTo(
  regionId: RegionId,
  deliveries: Delivery[],
  { region, wallNow, metrics, log }: ConsumerPorts,
): Promise<Delivery[]> {
  const startedAt = wallNow();
  try {
    const applied = await region(regionId).apply(deliveries.map(({ bytes }) => bytes));
    metrics.applied(applied, (wallNow() - startedAt) / 1_000);
    return deliveries;
  } catch (error) {
    log("error", "a region did not take its parcels", { regionId, error: messageOf(error) });
    metrics.failedApplies.value++;
    for (const { message } of deliveries) message.retry();
    return [];
  }
}

async function confirm(done: readonly Delivery[], { outbox, metrics, log }: ConsumerPorts) {
  const groups = new Map<string, { name: string; epoch: number; numbers: number[] }>();
  for (const { parcel } of done) {
    const key = `${parcel.outbox}/${parcel.epoch}`;
    const group = groups.get(key) ?? { name: parcel.outbox, epoch: parcel.epoch, numbers: [] };
    group.numbers.push(parcel.number);
    groups.set(key, group);
  }
  await Promise.all(
    Array.from(groups.values(), async ({ name, epoch, numbers }) => {
      try {
        await outbox(name).confirm(epoch, numbers);
      } catch (error) {
        log("warn", "parcels could not be confirmed", { outbox: name, error: messageOf(error) });
        metrics.failedConfirms.value++;
      }
    }),
  );
}
