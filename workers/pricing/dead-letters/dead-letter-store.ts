/** Dead letters in D1. */
import {
  and,
  asc,
  desc,
  eq,
  gte,
  inArray,
  isNotNull,
  isNull,
  lt,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type {
  DeadLetterQueue,
  DeadLetterReason,
  DeadLetterState,
} from "../../../contract/dead-letters.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import { isBehind, type Place } from "../keyset.ts";
import { deadLetters } from "../schema.ts";
import type { RecognisedLetter } from "./recognise.ts";

export interface ArrivedLetter extends RecognisedLetter {
  /** The queue's id of this delivery. */
  messageId: string;
}

/** Keeps letters; one that is there already is counted once more, and shows the newest delivery. All of them, or it throws. */
export async function keepDeadLetters(
  database: EdgeDatabase,
  letters: readonly ArrivedLetter[],
  now: number,
): Promise<void> {
  const [first, ...others] = letters.map(({ messageId, body, ...letter }) =>
    database
      .insert(deadLetters)
      .values({
        ...letter,
        body: Buffer.from(body),
        ...{ firstAt: now, lastAt: now, deliveries: 1, lastMessageId: messageId },
      })
      .onConflictDoUpdate({
        target: deadLetters.id,
        set: {
          lastAt: now,
          reason: letter.reason,
          detail: letter.detail,
          // Copies of a purged one may still be on their way; they are counted, and it stays purged.
          body: sql`CASE WHEN purged_at IS NULL THEN excluded.body ELSE body END`,
          deliveries: sql`deliveries + (last_message_id <> excluded.last_message_id)`,
          lastMessageId: messageId,
        },
      }),
  );
  if (first) await database.batch([first, ...others]);
}

/** Which dead letters are meant; what is not given does not matter. */
export interface Selection {
  queue?: DeadLetterQueue | undefined;
  region_id?: string | undefined;
  reason?: DeadLetterReason | undefined;
  state?: DeadLetterState | undefined;
  since?: number | undefined;
  until?: number | undefined;
  /** Only those whose whole message was kept. */
  whole?: boolean;
}

const LISTED = {
  id: deadLetters.id,
  queue: deadLetters.queue,
  regionId: deadLetters.regionId,
  reason: deadLetters.reason,
  detail: deadLetters.detail,
  firstAt: deadLetters.firstAt,
  lastAt: deadLetters.lastAt,
  deliveries: deadLetters.deliveries,
  bytes: deadLetters.bytes,
  redrives: deadLetters.redrives,
  redrivenAt: deadLetters.redrivenAt,
  purgedAt: deadLetters.purgedAt,
};
export type ListedLetter = Omit<
  typeof deadLetters.$inferSelect,
  "body" | "lastMessageId" | "contentType"
>;

/** A page of the letters that are meant, the newest first, from behind `after`. */
export async function listDeadLetters(
  database: EdgeDatabase,
  selection: Selection,
  after: Place | null,
  limit: number,
): Promise<ListedLetter[]> {
  const behind = isBehind(after, deadLetters.lastAt, deadLetters.id);
  return database
    .select(LISTED)
    .from(deadLetters)
    .where(and(isMeant(selection), behind))
    .orderBy(desc(deadLetters.lastAt), desc(deadLetters.id))
    .limit(limit);
}

/** A letter with what is needed to send it again. */
const WHOLE = { ...LISTED, contentType: deadLetters.contentType, body: deadLetters.body };
export type WholeLetter = ListedLetter &
  Pick<typeof deadLetters.$inferSelect, "contentType" | "body">;

export async function findDeadLetter(
  database: EdgeDatabase,
  id: string,
): Promise<WholeLetter | null> {
  const [row] = await database.select(WHOLE).from(deadLetters).where(eq(deadLetters.id, id));
  return row ?? null;
}

/** The oldest of the letters that are meant, with their bodies: ask for few at a time. */
export async function oldestLetters(
  database: EdgeDatabase,
  selection: Selection,
  limit: number,
): Promise<WholeLetter[]> {
  return database
    .select(WHOLE)
    .from(deadLetters)
    .where(isMeant(selection))
    .orderBy(asc(deadLetters.lastAt), asc(deadLetters.id))
    .limit(limit);
}

export async function countDeadLetters(
  database: EdgeDatabase,
  selection: Selection,
): Promise<number> {
  return database.$count(deadLetters, isMeant(selection));
}

/** Notes that letters went back to their queues at `now`. */
export async function markRedriven(
  database: EdgeDatabase,
  ids: readonly string[],
  now: number,
): Promise<void> {
  await database
    .update(deadLetters)
    .set({ redrivenAt: now, redrives: sql`redrives + 1` })
    .where(inArray(deadLetters.id, [...ids]));
}

/** Gives letters up at `now`: what they said is gone. */
export async function markPurged(
  database: EdgeDatabase,
  ids: readonly string[],
  now: number,
): Promise<void> {
  await database
    .update(deadLetters)
    .set({ purgedAt: now, body: sql`zeroblob(0)` })
    .where(inArray(deadLetters.id, [...ids]));
}

export interface StoredLetters {
  queue: DeadLetterQueue;
  letters: number;
  bytes: number;
}

/** What is kept and not purged, by queue. */
export async function storedByQueue(database: EdgeDatabase): Promise<StoredLetters[]> {
  return database
    .select({
      queue: deadLetters.queue,
      letters: sql<number>`count(*)`,
      bytes: sql<number>`sum(bytes)`,
    })
    .from(deadLetters)
    .where(isNull(deadLetters.purgedAt))
    .groupBy(deadLetters.queue);
}

export interface LetterBounds {
  /** What arrived last before this goes. */
  keptSince: number;
  /** What was sent back before this and did not come again goes, and what was purged before this. */
  settledSince: number;
  maxLetters: number;
  maxBytes: number;
}

/** Forgets what is out of bounds, the oldest first; tells how many. */
export async function trimDeadLetters(
  database: EdgeDatabase,
  { keptSince, settledSince, maxLetters, maxBytes }: LetterBounds,
): Promise<number> {
  const tooMany = sql`id IN (
    SELECT id FROM (
      SELECT id, row_number() OVER newest AS place, sum(bytes) OVER newest AS total
      FROM dead_letters WINDOW newest AS (ORDER BY last_at DESC, id DESC)
    ) WHERE place > ${maxLetters} OR total > ${maxBytes}
  )`;
  const settled = or(
    and(isInState("redriven"), lt(deadLetters.redrivenAt, settledSince)),
    lt(deadLetters.purgedAt, settledSince),
  );
  const gone = await database
    .delete(deadLetters)
    .where(or(lt(deadLetters.lastAt, keptSince), settled, tooMany));
  return gone.meta.changes;
}

function isMeant(selection: Selection): SQL | undefined {
  const { queue, region_id, reason, state, since, until, whole } = selection;
  return and(
    queue && eq(deadLetters.queue, queue),
    region_id ? eq(deadLetters.regionId, region_id) : undefined,
    reason && eq(deadLetters.reason, reason),
    state ? isInState(state) : isNull(deadLetters.purgedAt),
    since === undefined ? undefined : gte(deadLetters.lastAt, since),
    until === undefined ? undefined : lt(deadLetters.lastAt, until),
    whole ? sql`length(body) = bytes` : undefined,
  );
}

/** One that was sent back and came again waits again. */
function isInState(state: DeadLetterState): SQL | undefined {
  const { redrivenAt, lastAt, purgedAt } = deadLetters;
  switch (state) {
    case "waiting":
      return and(isNull(purgedAt), or(isNull(redrivenAt), lt(redrivenAt, lastAt)));
    case "redriven":
      return and(isNull(purgedAt), gte(redrivenAt, lastAt));
    case "purged":
      return isNotNull(purgedAt);
  }
}
