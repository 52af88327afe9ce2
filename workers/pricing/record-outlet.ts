/**
 * Records on their way from the isolate to the queue `decisions`: kept for a quarter of a second, then sent together, beside the
 * requests. While the queue takes none they wait, the newest of them.
 */
import type { Log } from "../../contract/log.ts";
import type { Counter } from "../../contract/metrics.ts";
import type { Dependency } from "./dependency.ts";
import { createSingleFlight } from "./single-flight.ts";
import type { DecisionQueue } from "./stores.ts";

export interface RecordOutlet<Kept> {
  /** Takes a record; what is begun is done when it has left for the queue, or cannot yet. */
  take(record: Kept): Promise<void> | null;
}

export interface OutletPorts {
  queue: DecisionQueue;
  dependency: Dependency;
  wallNow: () => number;
  log: Log;
}

export interface OutletOptions<Kept> {
  /** For the log: `decisions`. */
  what: string;
  /** The records as messages, each at most 128 KB. */
  messagesOf: (records: readonly Kept[]) => string[];
  sent: Counter;
  dropped: Counter;
}

const FLUSH_AFTER_MS = 250;
const MAX_MESSAGES_PER_SEND = 4;
const MAX_BUFFERED = 5_000;
const LONGEST_FLUSH_MS = 15_000;

export function createRecordOutlet<Kept>(
  { queue, dependency, wallNow, log }: OutletPorts,
  { what, messagesOf, sent, dropped }: OutletOptions<Kept>,
): RecordOutlet<Kept> {
  let buffer: Kept[] = [];

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
        log("error", `${what} were dropped from the log`, { count: excess });
      }
      return;
    }
  }

  /** True when the queue took all of them. */
  async function send(records: readonly Kept[]): Promise<boolean> {
    const messages = messagesOf(records);
    for (let i = 0; i < messages.length; i += MAX_MESSAGES_PER_SEND) {
      const some = messages.slice(i, i + MAX_MESSAGES_PER_SEND);
      const answer = await dependency.ask(() => queue.send(some));
      if (!answer.ok) return false;
    }
    sent.value += records.length;
    return true;
  }

  const flight = createSingleFlight(flush, wallNow, LONGEST_FLUSH_MS);
  return {
    take(record) {
      buffer.push(record);
      return flight.begin();
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
