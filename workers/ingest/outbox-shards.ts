import { type Log, messageOf } from "../../contract/log.ts";
import type { OutboxIntakeRpc } from "../../contract/rpc.ts";

export type AppendOutcome = "stored" | "full" | "unreachable";
export type AppendBatch = (batch: Uint8Array) => Promise<AppendOutcome>;

/**
 * Gives batches to one of the outbox objects. An isolate keeps to one, since every outbox that is in use sends parcels of its
 * own to every region, and moves on to the next when it does not answer: whether that one stored the batch is then unknown,
 * and storing it in another too does no harm, because each event counts once by its key.
 */
export function appendToOneOf(
  outboxes: readonly (() => OutboxIntakeRpc)[],
  startAt: number,
  log: Log,
): AppendBatch {
  let turn = startAt;
  return async (batch) => {
    for (let attempt = 0; attempt < 2; attempt++) {
      const outbox = outboxes[turn % outboxes.length];
      if (!outbox) throw new RangeError("there must be an outbox");
      try {
        return await outbox().append(batch);
      } catch (error) {
        log("warn", "an outbox did not answer", { attempt, error: messageOf(error) });
        turn++;
      }
    }
    return "unreachable";
  };
}
