/**
 * What an administrator does with dead letters: they go back to their queues, or are given up.
 *
 * Each time in this order: a line of the audit, then for a few letters at a time the deed and the note of it, then the rest
 * of the line. What breaks off between the deed and its note is done twice when it is asked for again, which harms nothing: every
 * consumer drops what it has, and a sender that forgot a message has forgotten it.
 */
import { type Log, messageOf } from "../../../contract/log.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import { beginAction, completeAction } from "./actions.ts";
import { confirmPurged, type Senders } from "./confirm-purged.ts";
import type { DeadLetterMetrics } from "./dead-letter-metrics.ts";
import {
  markPurged,
  markRedriven,
  oldestLetters,
  type Selection,
  type WholeLetter,
} from "./dead-letter-store.ts";
import { canGoBack, type SourceQueues, sendBack } from "./source-queues.ts";

export interface DisposalPorts {
  database: EdgeDatabase;
  queues: SourceQueues;
  senders: Senders;
  metrics: DeadLetterMetrics;
  log: Log;
  wallNow(): number;
}

/** What came of it: how many letters, and what broke it off before the end. */
export interface Disposal {
  affected: number;
  fault: string | null;
}

export interface Request {
  /** Id of the key. */
  by: string;
  action: "redrive" | "purge";
  /** As the audit shows it. */
  asked: Record<string, unknown>;
}

/** A letter is up to 128 KB, and D1 answers blobs as JSON. */
const LETTERS_AT_A_TIME = 8;

/** Does it with one letter. Rejects when the audit cannot be written. */
export function disposeOfOne(
  ports: DisposalPorts,
  request: Request,
  letter: WholeLetter,
): Promise<Disposal> {
  return audited(ports, request, async (note) => {
    await deedOf(request.action)(ports, [letter], ports.wallNow());
    note(1);
  });
}

/** Does it with the oldest `limit` letters of a selection. Rejects when the audit cannot be written. */
export function disposeOfMany(
  ports: DisposalPorts,
  request: Request,
  selection: Selection,
  limit: number,
): Promise<Disposal> {
  const deed = deedOf(request.action);
  return audited(ports, request, async (note) => {
    const startedAt = ports.wallNow();
    // What comes back while this goes on is for the next time.
    const until = Math.min(selection.until ?? startedAt, startedAt);
    for (let left = limit; left > 0; ) {
      const most = Math.min(left, LETTERS_AT_A_TIME);
      const letters = await oldestLetters(ports.database, { ...selection, until }, most);
      if (letters.length === 0) return;
      await deed(ports, letters, startedAt);
      note(letters.length);
      left -= letters.length;
    }
  });
}

async function audited(
  { database, wallNow, log }: DisposalPorts,
  { by, action, asked }: Request,
  work: (note: (letters: number) => void) => Promise<void>,
): Promise<Disposal> {
  const line = await beginAction(database, { at: wallNow(), by, action, selection: asked });
  let affected = 0;
  let fault: string | null = null;
  try {
    await work((letters) => {
      affected += letters;
    });
  } catch (error) {
    fault = messageOf(error);
    log("error", "dead letters could not be dealt with", { action, by, affected, error: fault });
  }
  await completeAction(database, line, affected);
  return { affected, fault };
}

type Deed = (ports: DisposalPorts, letters: WholeLetter[], now: number) => Promise<void>;

function deedOf(action: Request["action"]): Deed {
  return action === "redrive" ? redrive : purge;
}

async function redrive(
  { database, queues, metrics }: DisposalPorts,
  letters: WholeLetter[],
  now: number,
): Promise<void> {
  for (const [queue, some] of Map.groupBy(letters.filter(canGoBack), (letter) => letter.queue)) {
    await sendBack(queues[queue], some);
    await markRedriven(
      database,
      some.map(({ id }) => id),
      now,
    );
    metrics.redriven[queue].value += some.length;
  }
}

async function purge(
  { database, senders, metrics }: DisposalPorts,
  letters: WholeLetter[],
  now: number,
): Promise<void> {
  await confirmPurged(letters, senders);
  await markPurged(
    database,
    letters.map(({ id }) => id),
    now,
  );
  for (const { queue } of letters) metrics.purged[queue].value++;
}
