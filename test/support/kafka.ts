/** A real Kafka for tests, and bridges as processes of their own. */
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { Kafka, KafkaJSError, logLevel, type Message } from "kafkajs";
import { type StackRun, stackRunFrom } from "./stack.ts";

const ROOT = join(import.meta.dirname, "../..");
const SERVER_SCRIPT = join(ROOT, ".ci/servers/kafka.sh");

/** The brokers of KAFKA_BROKERS; null, said loudly, when there are none: the tests that need them are then skipped. */
export function kafkaForTests(): { brokers: string } | null {
  const brokers = process.env.KAFKA_BROKERS;
  if (brokers) return { brokers };
  console.warn(
    [
      "!!! SKIPPED: tests of the Kafka bridge need a broker, and KAFKA_BROKERS names none.",
      "!!! Start one with:  export $(.ci/servers/kafka.sh)   (Java and Maven, or apt to install them)",
    ].join("\n"),
  );
  return null;
}

/** A client of the test's own, quiet. */
export function kafkaClient(brokers: string): Kafka {
  return new Kafka({ clientId: "tests", brokers: brokers.split(","), logLevel: logLevel.NOTHING });
}

/** Takes the broker away and brings it back on the same data. Throws when it is not the one of .ci/servers. */
export function restartBroker(brokers: string): void {
  const port = brokers.split(":").at(-1) ?? "";
  execFileSync(SERVER_SCRIPT, ["restart"], { env: { ...process.env, KAFKA_PORT: port } });
}

/** Names that no other run uses. */
export function uniqueName(what: string): string {
  return `${what}-${process.pid}-${Math.round(performance.now() * 1_000)}`;
}

export interface Bridge {
  readonly run: StackRun;
  /** Ends it and returns its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `origin bridge`. */
export function startBridge(
  { pricingUrl, dataDir }: { pricingUrl: string; dataDir: string },
  direction: "--from-kafka" | "--to-kafka",
  env: Record<string, string>,
): Bridge {
  const child = spawn(
    process.execPath,
    ["origin/index.ts", "--data-dir", dataDir, "--edge-url", pricingUrl, "bridge", direction],
    { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } },
  );
  const run = stackRunFrom(child);
  return {
    run,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      return run.ended;
    },
  };
}

export async function createTopics(brokers: string, topics: string[], partitions = 4) {
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  await admin.createTopics({
    topics: topics.map((topic) => ({ topic, numPartitions: partitions })),
    waitForLeaders: true,
  });
  await admin.disconnect();
}

/**
 * Writes each record at least once: a retry of the client's may make two of one, so tests ask what is there. Returns how many
 * records the topic then has.
 */
export async function writeRecords(brokers: string, topic: string, messages: Message[]) {
  const producer = kafkaClient(brokers).producer();
  await producer.connect();
  for (let at = 0; at < messages.length; at += 5_000) {
    await producer.send({ topic, messages: messages.slice(at, at + 5_000) });
  }
  await producer.disconnect();
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  return ends.reduce((sum, { high }) => sum + Number(high), 0);
}

/** Records of partitions that the group has not committed yet; infinitely many while the broker cannot say. */
export async function uncommitted(brokers: string, groupId: string, topic: string) {
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  try {
    const ends = await admin.fetchTopicOffsets(topic);
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return ends.reduce((sum, { partition, high }) => {
      const at = committed?.partitions.find((one) => one.partition === partition)?.offset ?? "-1";
      return sum + Number(high) - Math.max(0, Number(at));
    }, 0);
  } catch (error) {
    // One that has just started looks for its coordinators.
    if (error instanceof KafkaJSError && error.retriable) return Number.POSITIVE_INFINITY;
    throw error;
  } finally {
    await admin.disconnect();
  }
}

export interface ReadRecord {
  topic: string;
  key: string | null;
  value: string | null;
  headers: Record<string, string>;
}

/** Follows topics from their beginning; what was read so far is in `records`. */
export async function followTopics(brokers: string, topics: string[]) {
  const consumer = kafkaClient(brokers).consumer({ groupId: uniqueName("follower") });
  const records: ReadRecord[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    async eachMessage({ topic, message: { key, value, headers = {} } }) {
      records.push({
        topic,
        key: key?.toString() ?? null,
        value: value?.toString() ?? null,
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, text]) => [name, String(text)]),
        ),
      });
    },
  });
  return { records, stop: () => consumer.disconnect() };
}
