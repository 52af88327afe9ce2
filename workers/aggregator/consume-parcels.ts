/** The queue's consumer: parcels go to the objects of their regions. */
import { type Log, messageOf } from "../../contract/log.ts";
import { parcelOf } from "../../contract/parcel.ts";
import { withinLimit } from "../../contract/within-limit.ts";
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
  /** The parcel's. */
  number: number;
  bytes: Uint8Array;
}

/**
 * Applies a batch of messages. A message is done with once its region has counted it: that it is stored the region tells the
 * outbox, which sends it again until then. Never rejects, since the whole batch would come again: what a region does not take is
 * retried alone.
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
  return { message, regionId: parcel.regionId, number: parcel.number, bytes };
}

/** A region that does not answer in this time is left alone: until then the whole batch is under way, and others wait behind it. */
const ANSWER_LIMIT_MS = 30_000;
/** So many failures after one another are the region's, not the parcels': what is left comes again with the rest. */
const MOST_FAILURES = 3;

/** Hands a region its parcels, together. Where that fails each goes alone, so that only those that are broken come again. */
async function applyTo(
  regionId: RegionId,
  deliveries: readonly Delivery[],
  ports: ConsumerPorts,
): Promise<void> {
  const startedAt = ports.wallNow();
  try {
    await bring(regionId, deliveries, ports);
  } catch (error) {
    const isSilent = ports.wallNow() - startedAt >= ANSWER_LIMIT_MS;
    if (isSilent || deliveries.length === 1) notTaken(regionId, deliveries, error, ports);
    else await applyEach(regionId, deliveries, ports);
  }
}

async function applyEach(
  regionId: RegionId,
  deliveries: readonly Delivery[],
  ports: ConsumerPorts,
): Promise<void> {
  let failures = 0;
  for (const delivery of deliveries) {
    if (failures === MOST_FAILURES) {
      delivery.message.retry();
      continue;
    }
    try {
      await bring(regionId, [delivery], ports);
      failures = 0;
    } catch (error) {
      failures++;
      notTaken(regionId, [delivery], error, ports);
    }
  }
}

function notTaken(
  regionId: RegionId,
  deliveries: readonly Delivery[],
  error: unknown,
  { log, metrics }: ConsumerPorts,
): void {
  const parcels = deliveries.map(({ number }) => number).join(" ");
  log("error", "a region did not take parcels", { regionId, parcels, error: messageOf(error) });
  metrics.failedApplies.value += deliveries.length;
  for (const { message } of deliveries) message.retry();
}

/** Brings parcels to their region; rejects when it fails, and then no message is done with. */
async function bring(
  regionId: RegionId,
  deliveries: readonly Delivery[],
  ports: ConsumerPorts,
): Promise<void> {
  const { wallNow, metrics } = ports;
  const startedAt = wallNow();
  const parcels = deliveries.map(({ bytes }) => bytes);
  const bringing = bringParcels(regionId, parcels, ports, {
    applied: (applied) => metrics.applied(applied, (wallNow() - startedAt) / 1_000, regionId),
    changing: (forMs) => metrics.changing(forMs / 1_000),
  });
  const areCounted = await withinLimit(bringing, ANSWER_LIMIT_MS);
  for (const { message } of deliveries) {
    if (areCounted) message.ack();
    else message.retry();
  }
}
