import type { SegmentSink } from "../event-log/read-log.ts";
import { type SegmentItem, segmentFault, segmentItems } from "../event-log/segment-items.ts";
import type { BridgeMetrics } from "./bridge-metrics.ts";
import type { KafkaMessage, KafkaPort } from "./kafka-port.ts";
import { eventMessage, type LogPlace, signalMessage, type TopicName } from "./log-messages.ts";

/** Messages on their way at once; the broker acknowledges them before the next are sent. It takes a megabyte. */
const MESSAGES_AT_ONCE = 1_000;
const BYTES_AT_ONCE = 512 * 1024;

/**
 * Writes ranges of the event log to Kafka. The cursor moves when every message of a range is acknowledged, so a crash writes
 * some of them again, under the same ids.
 */
export function createKafkaSink(
  kafka: Pick<KafkaPort, "produce">,
  topicName: TopicName,
  metrics: BridgeMetrics,
): SegmentSink {
  let writer = "";
  const messageOf = (item: SegmentItem, place: LogPlace) =>
    item.kind === "event"
      ? eventMessage(item.event, item.receivedAt, place, topicName)
      : signalMessage(item.signal, place);
  return {
    async begin(name) {
      writer = name;
    },
    faultOf: segmentFault,
    async take(sequence, bytes) {
      let waiting: KafkaMessage[] = [];
      let size = 0;
      const send = async () => {
        await kafka.produce(waiting);
        for (const { topic } of waiting) metrics.written(topic, 1);
        waiting = [];
        size = 0;
      };
      for (const item of segmentItems(bytes)) {
        const message = messageOf(item, { writer, sequence });
        waiting.push(message);
        size += Buffer.byteLength(message.value ?? "");
        if (waiting.length === MESSAGES_AT_ONCE || size > BYTES_AT_ONCE) await send();
      }
      await send();
    },
    // It is in the log still, and bronze keeps a copy.
    setAside: async () => undefined,
    finish: async () => [],
    committed: () => undefined,
  };
}
