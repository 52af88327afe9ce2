/**
 * The decision log's end in the isolate: one record per decision, however often it is told, sent to the queue in batches
 * beside the requests.
 *
 * What is in memory when an isolate dies is lost to the log, not to the world: a request id names its decision.
 */
import type { Log } from "../../contract/log.ts";
import type { Metrics } from "../../contract/metrics.ts";
import type { Decision } from "../../domain/decision.ts";
import type { DemandForecast } from "../../domain/forecast.ts";
import type { Region } from "../../domain/region.ts";
import { type FeatureSnapshot, snapshotForProduct } from "../../domain/snapshot.ts";
import type { EpochMs } from "../../domain/units.ts";
import type { Dependency } from "./dependency.ts";
import { createSingleFlight } from "./single-flight.ts";
import type { DecisionQueue } from "./stores.ts";

/** A decision with everything it was made from but the rules and the model, which are kept by version. */
export interface DecisionRecord {
  id: string;
  decidedAt: EpochMs;
  decision: Decision;
  region: Region;
  snapshot: FeatureSnapshot | null;
  forecast: DemandForecast | null;
}

export interface DecisionLog {
  /** Takes a record; what is begun is done when it has left for the queue, or cannot yet. */
  record(record: DecisionRecord): Promise<void> | null;
}

const FLUSH_AFTER_MS = 250;
/** A queue takes 128 KB a message; a record is about 4 KB, and UTF-8 may need more bytes than characters. */
const MAX_MESSAGE_CHARS = 60_000;
const MAX_MESSAGES_PER_SEND = 4;
const MAX_BUFFERED = 5_000;
const LONGEST_FLUSH_MS = 15_000;

export function createDecisionLog(ports: {
  queue: DecisionQueue;
  dependency: Dependency;
  wallNow: () => number;
  log: Log;
  metrics: Metrics;
}): DecisionLog {
  const { queue, dependency, wallNow, log, metrics } = ports;
  let buffer: DecisionRecord[] = [];
  const recorded = metrics.counter("pricing_decisions_logged_total", "Decisions sent to the log.");
  const dropped = metrics.counter(
    "pricing_decisions_dropped_total",
    "Decisions the log never heard of, because the queue did not take them for too long.",
  );

  async function flush(): Promise<void> {
    await sleep(FLUSH_AFTER_MS);
    while (buffer.length > 0) {
      const sending = buffer;
      buffer = [];
      if (await send(sending)) continue;
      buffer = [...sending, ...buffer];
      const excess = buffer.length - MAX_BUFFERED;
      if (excess > 0) {
        buffer = buffer.slice(excess);
        dropped.value += excess;
        log("error", "decisions were dropped from the log", { count: excess });
      }
      return;
    }
  }

  /** True when the queue took all of them. */
  async function send(records: readonly DecisionRecord[]): Promise<boolean> {
    const messages = messagesOf(records);
    for (let i = 0; i < messages.length; i += MAX_MESSAGES_PER_SEND) {
      const some = messages.slice(i, i + MAX_MESSAGES_PER_SEND);
      const answer = await dependency.ask(() => queue.send(some));
      if (!answer.ok) return false;
    }
    recorded.value += records.length;
    return true;
  }

  const flight = createSingleFlight(flush, wallNow, LONGEST_FLUSH_MS);
  return {
    record(record) {
      buffer.push(record);
      return flight.begin();
    },
  };
}

/** The records as JSON arrays that fit a message each. */
export function messagesOf(records: readonly DecisionRecord[]): string[] {
  const messages: string[] = [];
  let open: string[] = [];
  let chars = 0;
  for (const record of records) {
    const { snapshot, decision } = record;
    const seen = snapshot && snapshotForProduct(snapshot, decision.key.productType);
    const text = JSON.stringify({ ...record, snapshot: seen });
    if (open.length > 0 && chars + text.length > MAX_MESSAGE_CHARS) {
      messages.push(`[${open.join()}]`);
      open = [];
      chars = 0;
    }
    open.push(text);
    chars += text.length;
  }
  if (open.length > 0) messages.push(`[${open.join()}]`);
  return messages;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
