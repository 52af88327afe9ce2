/**
 * Records of Kafka's topics, posted to ingest.
 *
 * At least once, and one event each: an offset is committed only when ingest has made its record durable (202) or it lies among
 * the dead letters, and what is read again has the same idempotency key. Back-pressure is Kafka's own: while ingest cannot take
 * more, the partition rests.
 */
import type { Logger } from "pino";
import { messageOf } from "../../contract/log.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { BridgeMetrics } from "./bridge-metrics.ts";
import { deadLetter } from "./dead-letter.ts";
import { type Delivery, deliverItems } from "./deliver-items.ts";
import type { IngestClient } from "./ingest-client.ts";
import type { KafkaPort, KafkaRecord, RecordBatch } from "./kafka-port.ts";
import { type Lot, lotsOf } from "./lots.ts";
import { prepareRecord } from "./prepare-record.ts";

export interface FromKafkaPorts {
  kafka: Pick<KafkaPort, "produce">;
  ingest: IngestClient;
  metrics: BridgeMetrics;
  log: Logger;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30 * SECOND_MS;

/** What is done with a batch of records. It remembers how often in a row each partition had to wait. */
export function createRecordBridge(ports: FromKafkaPorts): (batch: RecordBatch) => Promise<void> {
  const { metrics, log } = ports;
  const waits = new Map<string, number>();

  function rest(batch: RecordBatch, { detail, afterMs }: NonNullable<Delivery["later"]>): void {
    const { topic, partition } = batch;
    const place = `${topic}/${partition}`;
    const wait = (waits.get(place) ?? 0) + 1;
    waits.set(place, wait);
    const growing = Math.min(FIRST_PAUSE_MS * 2 ** (wait - 1), LONGEST_PAUSE_MS);
    const pauseMs = Math.max(afterMs ?? 0, growing);
    metrics.rested(topic);
    log.warn({ topic, partition, pauseMs, detail }, "a partition rests");
    batch.pauseFor(pauseMs);
  }

  return async (batch) => {
    const { topic, partition, records } = batch;
    let left = records.length;
    for (const lot of lotsOf(records.map(prepareRecord))) {
      metrics.behind(topic, partition, batch.behind + left);
      if (!batch.isCurrent()) return;
      await batch.keepAlive();
      const { dead, later } = await settled(lot, ports);
      const done = itemsBefore(lot, later?.from ?? null);
      const last = done.at(-1);
      if (last) await batch.commit(last.prepared.record);
      metrics.bridged(topic, done.length - dead.length - echoesOf(lot));
      metrics.buried(topic, dead.length);
      left -= done.length;
      if (later) return rest(batch, later);
      waits.delete(`${topic}/${partition}`);
    }
    metrics.behind(topic, partition, batch.behind);
  };
}

/** Sends a lot to ingest, and what ingest will never take to the dead letters. */
async function settled(lot: Lot, { kafka, ingest, log }: FromKafkaPorts): Promise<Delivery> {
  try {
    const { dead, later } = await delivered(lot, ingest);
    // What lies behind the first record to be sent again is met once more then.
    const toBury = dead.filter(({ record }) => !later || isBefore(record, later.from));
    await kafka.produce(toBury.map(deadLetter));
    for (const { record, reason, detail } of toBury.slice(0, LOGGED_DEAD_LETTERS)) {
      const { topic, partition, offset } = record;
      log.warn({ topic, partition, offset, reason, detail }, "a record is a dead letter");
    }
    return { dead: toBury, later };
  } catch (error) {
    const [first] = lot.items;
    if (!first) throw error;
    const later = { from: first.prepared.record, detail: messageOf(error), afterMs: null };
    return { dead: [], later };
  }
}

/** Of one lot; their number is in the metrics. */
const LOGGED_DEAD_LETTERS = 3;

async function delivered({ contentType, items }: Lot, ingest: IngestClient): Promise<Delivery> {
  if (contentType !== null) return deliverItems(ingest, contentType, items);
  const dead = items.flatMap(({ prepared }) => {
    if (prepared.form !== "poison") return [];
    const { record, reason, detail } = prepared;
    return [{ record, reason, detail }];
  });
  return { dead, later: null };
}

function itemsBefore({ items }: Lot, from: KafkaRecord | null): Lot["items"] {
  if (from === null) return items;
  return items.filter(({ prepared }) => isBefore(prepared.record, from));
}

function isBefore(one: KafkaRecord, other: KafkaRecord): boolean {
  return BigInt(one.offset) < BigInt(other.offset);
}

function echoesOf({ items }: Lot): number {
  return items.filter(({ prepared }) => prepared.form === "echo").length;
}
