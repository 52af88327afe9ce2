import type { DeadRecord } from "./deliver-items.ts";
import type { KafkaMessage } from "./kafka-port.ts";

/** Where records of a topic go that ingest does not take. */
export function deadLetterTopic(topic: string): string {
  return `${topic}.dead-letters`;
}

/** The record as it was, with where it lay and why it is here. */
export function deadLetter({ record, reason, detail }: DeadRecord): KafkaMessage {
  const { topic, partition, offset, key, value, headers } = record;
  return {
    topic: deadLetterTopic(topic),
    key,
    value,
    headers: {
      ...Object.fromEntries(headers),
      "dead-letter-reason": reason,
      "dead-letter-detail": detail,
      "dead-letter-topic": topic,
      "dead-letter-partition": String(partition),
      "dead-letter-offset": offset,
    },
  };
}
