/**
 * How this Worker reads its queues: what is written is done with, what cannot be written now comes again, what cannot be read
 * goes to the dead letters.
 */
import { type Log, messageOf } from "../../contract/log.ts";
import type { Histogram } from "../../contract/metrics.ts";

/** What is used of a message. */
export interface QueueMessage {
  readonly id: string;
  readonly timestamp: Date;
  readonly body: unknown;
  readonly attempts: number;
  retry(options?: { delaySeconds?: number }): void;
}

export interface Consumer<Value> {
  queue: string;
  /** What a message says; null when it is none of this queue's. */
  read(message: QueueMessage): Value | null;
  /** Writes all of what it is given, or rejects. What was written before may be given again. */
  write(values: readonly Value[]): Promise<void>;
  /** Puts a message where an operator finds it. */
  setAside(body: unknown): Promise<void>;
  /** Seconds from when a message was sent to when it came. */
  lag: Histogram;
  wallNow(): number;
  log: Log;
}

interface Delivery<Value> {
  message: QueueMessage;
  value: Value;
}

const FIRST_RETRY_S = 30;
const LAST_RETRY_S = 60 * 60;

/**
 * Reads and writes a batch. A message that could not be written is asked for again, later each time: ten tries take four hours,
 * so a database may be down for a while. One that spoils a batch keeps no other from being written. Never rejects, for then
 * all of them would come again.
 */
export async function consumeMessages<Value>(
  messages: readonly QueueMessage[],
  consumer: Consumer<Value>,
): Promise<void> {
  const { queue, read, write, setAside, lag, wallNow, log } = consumer;
  const now = wallNow();
  const deliveries: Delivery<Value>[] = [];
  const again: QueueMessage[] = [];
  for (const message of messages) {
    lag.observe(Math.max(0, now - message.timestamp.getTime()) / 1_000);
    const value = read(message);
    if (value !== null) deliveries.push({ message, value });
    else if (!(await isSetAside(message))) again.push(message);
  }
  again.push(...(await unwritten(deliveries)));
  for (const message of again) {
    const delaySeconds = Math.min(FIRST_RETRY_S * 2 ** (message.attempts - 1), LAST_RETRY_S);
    message.retry({ delaySeconds });
  }

  async function isSetAside({ id, body }: QueueMessage): Promise<boolean> {
    log("error", "a message cannot be read", { queue, messageId: id });
    try {
      await setAside(body);
      return true;
    } catch (error) {
      log("error", "a message could not be set aside", { queue, error: messageOf(error) });
      return false;
    }
  }

  async function unwritten(some: readonly Delivery<Value>[]): Promise<QueueMessage[]> {
    if (some.length === 0) return [];
    try {
      await write(some.map(({ value }) => value));
      return [];
    } catch (error) {
      log("warn", "messages could not be written", {
        queue,
        messages: some.length,
        error: messageOf(error),
      });
      if (some.length === 1) return some.map(({ message }) => message);
      return (await Promise.all(some.map((one) => unwritten([one])))).flat();
    }
  }
}
