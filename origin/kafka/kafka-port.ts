/**
 * Everything the bridge wants of Kafka, and the only file that knows kafkajs.
 *
 * kafkajs is not maintained any more; another client needs only this file written anew. What is not obvious of it stands here:
 * offsets are committed by hand, a consumer that crashed for good is made anew, and so is a producer whose sequence broke.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  CompressionTypes,
  type Consumer,
  type EachBatchPayload,
  type IHeaders,
  Kafka,
  logLevel,
  Partitioners,
  type Producer,
  type SASLOptions,
} from "kafkajs";
import type { Logger } from "pino";
import { SECOND_MS } from "../../domain/units.ts";

export interface KafkaSettings {
  clientId: string;
  brokers: string[];
  /** PEM of the certificate authority, or true for those the system trusts; false without TLS. */
  tls: boolean | { ca: string };
  sasl: SASLOptions | null;
}

/** A record as it was read. */
export interface KafkaRecord {
  topic: string;
  partition: number;
  /** Decimal, as Kafka numbers them. */
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
}

/** A record to be written. Records of one key go to one partition and stay in order. */
export interface KafkaMessage {
  topic: string;
  key: string | Buffer | null;
  value: string | Buffer | null;
  headers: Record<string, string>;
}

/** Records of one partition, in order. What of them is not marked as done comes again. */
export interface RecordBatch {
  topic: string;
  partition: number;
  records: KafkaRecord[];
  /** Records of the partition behind the last of these. */
  behind: number;
  /** False once the partition is another consumer's, or this one ends. */
  isCurrent(): boolean;
  /** Commits that everything up to this record is done with. */
  commit(last: KafkaRecord): Promise<void>;
  /** To be called within a session's time while the work lasts. */
  keepAlive(): Promise<void>;
  /** Lets the partition rest; other partitions go on. */
  pauseFor(lengthMs: number): void;
}

export interface ConsumerOptions {
  groupId: string;
  topics: string[];
  /** Partitions worked on at once. */
  concurrency: number;
  /** Must not throw anything of its own. */
  onBatch(batch: RecordBatch): Promise<void>;
}

export interface KafkaPort {
  /** Creates topics that are not there, as the broker makes them by default. */
  ensureTopics(topics: readonly string[]): Promise<void>;
  /** Consumes until `signal`; resolves when the group was left. A consumer that fails for good is made anew. */
  consume(options: ConsumerOptions, signal: AbortSignal): Promise<void>;
  /** Resolves when every in-sync replica has every message; rejects when that is not known. */
  produce(messages: readonly KafkaMessage[]): Promise<void>;
  close(): Promise<void>;
}

const SESSION_MS = 15 * SECOND_MS;
const RESTART_AFTER_MS = 2 * SECOND_MS;
const LEVELS = {
  [logLevel.NOTHING]: "silent",
  [logLevel.ERROR]: "error",
  [logLevel.WARN]: "warn",
  [logLevel.INFO]: "debug",
  [logLevel.DEBUG]: "trace",
} as const;

export function createKafkaPort(settings: KafkaSettings, log: Logger): KafkaPort {
  const kafka = new Kafka({
    clientId: settings.clientId,
    brokers: settings.brokers,
    ssl: typeof settings.tls === "boolean" ? settings.tls : { ca: [settings.tls.ca] },
    ...(settings.sasl === null ? {} : { sasl: settings.sasl }),
    retry: { retries: 8, initialRetryTime: 200, maxRetryTime: 5 * SECOND_MS },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ level, log: { message, timestamp: _, logger: __, ...fields } }) => {
        const name = LEVELS[level];
        if (name !== "silent") log[name](fields, `kafka: ${message}`);
      },
  });
  let producer: Promise<Producer> | null = null;

  async function openProducer(): Promise<Producer> {
    const opened = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await opened.connect();
    return opened;
  }

  return {
    async ensureTopics(topics) {
      const admin = kafka.admin();
      await admin.connect();
      try {
        const known = new Set(await admin.listTopics());
        const missing = topics.filter((topic) => !known.has(topic));
        if (missing.length > 0) {
          await admin.createTopics({ topics: missing.map((topic) => ({ topic })) });
        }
      } finally {
        await admin.disconnect();
      }
    },
    async consume(options, signal) {
      while (!signal.aborted) {
        try {
          await consumeUntilEnd(kafka, options, signal);
        } catch (error) {
          log.error({ error: String(error), groupId: options.groupId }, "a consumer ended");
          await sleep(RESTART_AFTER_MS, undefined, { signal }).catch(() => undefined);
        }
      }
    },
    async produce(messages) {
      if (messages.length === 0) return;
      producer ??= openProducer();
      const current = producer;
      try {
        await (await current).sendBatch({
          acks: -1,
          compression: CompressionTypes.GZIP,
          topicMessages: [...Map.groupBy(messages, ({ topic }) => topic)].map(
            ([topic, ofTopic]) => ({
              topic,
              messages: ofTopic.map(({ key, value, headers }) => ({ key, value, headers })),
            }),
          ),
        });
      } catch (error) {
        // Its sequence numbers may be out of step with the broker's: the next call begins with a new one.
        if (producer === current) producer = null;
        await disconnected(current);
        throw error;
      }
    },
    async close() {
      if (producer !== null) await disconnected(producer);
      producer = null;
    },
  };
}

async function disconnected(producer: Promise<Producer>): Promise<void> {
  // One that never opened, or whose broker is gone, is as good as closed.
  await producer.then((opened) => opened.disconnect()).catch(() => undefined);
}

/** Runs one consumer. Resolves when `signal` ended it, rejects when it crashed for good. */
async function consumeUntilEnd(
  kafka: Kafka,
  options: ConsumerOptions,
  signal: AbortSignal,
): Promise<void> {
  const consumer = kafka.consumer({
    groupId: options.groupId,
    sessionTimeout: SESSION_MS,
    heartbeatInterval: SESSION_MS / 10,
    maxWaitTimeInMs: 500,
    allowAutoTopicCreation: false,
  });
  const ended = Promise.withResolvers<void>();
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    // One that restarts by itself is only late.
    if (!restart) ended.reject(error);
  });
  const stop = () => ended.resolve();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: options.topics, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency,
      eachBatch: (payload) => options.onBatch(recordBatch(consumer, payload, signal)),
    });
    await ended.promise;
  } finally {
    signal.removeEventListener("abort", stop);
    await consumer.disconnect();
  }
}

function recordBatch(
  consumer: Consumer,
  payload: EachBatchPayload,
  signal: AbortSignal,
): RecordBatch {
  const { topic, partition, messages, highWatermark } = payload.batch;
  const last = messages.at(-1);
  return {
    topic,
    partition,
    records: messages.map(({ offset, key, value, headers }) => {
      return { topic, partition, offset, key, value, headers: headerMap(headers) };
    }),
    behind: last ? Math.max(0, Number(BigInt(highWatermark) - BigInt(last.offset) - 1n)) : 0,
    isCurrent: () => payload.isRunning() && !payload.isStale() && !signal.aborted,
    async commit({ offset }) {
      payload.resolveOffset(offset);
      const next = String(BigInt(offset) + 1n);
      await consumer.commitOffsets([{ topic, partition, offset: next }]);
    },
    keepAlive: () => payload.heartbeat(),
    pauseFor(lengthMs) {
      const resume = payload.pause();
      setTimeout(resume, lengthMs).unref();
    },
  };
}

function headerMap(headers: IHeaders | undefined): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(headers ?? {})) {
    const one = Array.isArray(value) ? value[0] : value;
    if (one !== undefined) texts.set(name.toLowerCase(), one.toString());
  }
  return texts;
}
