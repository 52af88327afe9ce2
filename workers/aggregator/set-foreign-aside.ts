import { type Log, messageOf } from "../../contract/log.ts";
import { type SetAside, setAsideFrom } from "../../contract/set-aside.ts";
import type { AggregatorMetrics } from "./aggregator-metrics.ts";

/** What is used of a message. */
export interface ForeignMessage {
  readonly id: string;
  readonly body: unknown;
  ack(): void;
  retry(): void;
}

export interface ForeignPorts {
  /** To the dead letters. */
  setAside(message: SetAside): Promise<unknown>;
  metrics: Pick<AggregatorMetrics, "foreignMessages">;
  log: Log;
}

/** Puts a message that is no parcel among the dead letters: it will not become one by coming again. Never rejects. */
export async function setForeignAside(
  message: ForeignMessage,
  { setAside, metrics, log }: ForeignPorts,
): Promise<void> {
  metrics.foreignMessages.value++;
  log("error", "a message is no parcel", { messageId: message.id });
  try {
    await setAside(setAsideFrom("events", message.body, "It is no parcel."));
    message.ack();
  } catch (error) {
    log("error", "a message could not be set aside", { error: messageOf(error) });
    message.retry();
  }
}
