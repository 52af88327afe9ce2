/** A record of Kafka as the bridge reads it. */
import type { KafkaRecord } from "../../origin/kafka/kafka-port.ts";

/** Of `user-events`, partition 2, without a key. */
export function record(
  offset: number,
  value: string | null,
  changes: Partial<KafkaRecord> = {},
): KafkaRecord {
  return {
    topic: "user-events",
    partition: 2,
    offset: String(offset),
    key: null,
    value: value === null ? null : Buffer.from(value),
    headers: new Map(),
    ...changes,
  };
}
