import type { Metrics } from "../../contract/metrics.ts";

/** What is told of the bridge. Topics are few and set by its owner, so they may be labels. */
export interface BridgeMetrics {
  /** Records of a partition that are not done with. */
  behind(topic: string, partition: number, records: number): void;
  bridged(topic: string, records: number): void;
  buried(topic: string, records: number): void;
  /** A partition waits because ingest cannot take more. */
  rested(topic: string): void;
  written(topic: string, records: number): void;
}

export function createBridgeMetrics(metrics: Metrics): BridgeMetrics {
  const lags = new Map<string, Map<number, number>>();
  const add = (name: string, help: string) => (topic: string, records: number) => {
    metrics.counter(name, help, { topic }).value += records;
  };
  const rests = add("origin_kafka_rests_total", "Times that a partition waited for ingest");
  return {
    behind(topic, partition, records) {
      let partitions = lags.get(topic);
      if (!partitions) {
        const made = new Map<number, number>();
        partitions = made;
        lags.set(topic, made);
        metrics.gauge(
          "origin_kafka_consumer_lag_records",
          "Records of the partitions read here that are not done with",
          () => [...made.values()].reduce((sum, lag) => sum + lag, 0),
          { topic },
        );
      }
      partitions.set(partition, records);
    },
    bridged: add("origin_kafka_records_in_total", "Records that ingest accepted"),
    buried: add("origin_kafka_dead_letters_total", "Records that went to the dead letters"),
    rested: (topic) => rests(topic, 1),
    written: add("origin_kafka_records_out_total", "Records written from the event log"),
  };
}
