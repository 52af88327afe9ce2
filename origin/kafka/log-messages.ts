/** What the event log says, as Kafka records. */
import type { DemandSignal } from "../../contract/demand-signals.ts";
import { instantText } from "../../contract/names.ts";
import { type DemandEvent, TOPIC_OF, type Topic } from "../../domain/event.ts";
import type { EpochMs } from "../../domain/units.ts";
import type { KafkaMessage } from "./kafka-port.ts";
import { ECHO_HEADER } from "./prepare-record.ts";

export const DEMAND_SIGNALS_TOPIC = "demand-signals";

/** Where in the event log something stands. */
export interface LogPlace {
  writer: string;
  sequence: number;
}

/** Names the topic that events of a topic of ours go to. */
export type TopicName = (topic: Topic) => string;

/**
 * An accepted event. Its people are hashed, and its id is the hash of its idempotency key within its region: the same for each
 * repeat of it.
 */
export function eventMessage(
  event: DemandEvent,
  receivedAt: EpochMs,
  place: LogPlace,
  topicName: TopicName,
): KafkaMessage {
  const { eventType, regionId, occurredAt, productType, quantity, metadata } = event;
  const user = hexOf(event.userHigh, event.userLow);
  const id = `${regionId}/${hexOf(event.keyHigh, event.keyLow)}`;
  return {
    topic: topicName(TOPIC_OF[eventType]),
    key: regionId,
    value: JSON.stringify({
      event_id: id,
      event_type: eventType,
      region_id: regionId,
      timestamp: instantText(occurredAt),
      received_at: instantText(receivedAt),
      ...(event.userHigh === 0 && event.userLow === 0 ? {} : { user_hash: user }),
      ...(productType === null ? {} : { product_type: productType }),
      quantity,
      metadata: metadata === "" ? {} : JSON.parse(metadata),
    }),
    headers: headersOf(id, place),
  };
}

/** A demand signal. A window's later revisions have ids of their own, and the highest is the one that holds. */
export function signalMessage(signal: DemandSignal, place: LogPlace): KafkaMessage {
  const { region_id, width_s, start_at, revision } = signal;
  return {
    topic: DEMAND_SIGNALS_TOPIC,
    key: region_id,
    value: JSON.stringify(signal),
    headers: headersOf(`${region_id}/${width_s}/${start_at}/${revision}`, place),
  };
}

function headersOf(id: string, { writer, sequence }: LogPlace): Record<string, string> {
  return {
    [ECHO_HEADER]: id,
    "edge-log-writer": writer,
    "edge-log-sequence": String(sequence),
    "content-type": "application/json",
  };
}

function hexOf(high: number, low: number): string {
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
