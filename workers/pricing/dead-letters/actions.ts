/** The audit of dead letters: a line is written before something is done, and completed after it. */
import { desc, eq } from "drizzle-orm";
import type { DeadLetterAction } from "../../../contract/dead-letters.ts";
import { instantText } from "../../../contract/names.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import { deadLetterActions } from "../schema.ts";

const MAX_LISTED = 100;

/** Writes that something is about to be done; answers the line's number. */
export async function beginAction(
  database: EdgeDatabase,
  line: Pick<typeof deadLetterActions.$inferInsert, "at" | "by" | "action" | "selection">,
): Promise<number> {
  const [row] = await database
    .insert(deadLetterActions)
    .values(line)
    .returning({ id: deadLetterActions.id });
  if (!row) throw new Error("the database took a line of the audit and gave it no number");
  return row.id;
}

/** Writes how many letters it took effect on. */
export async function completeAction(
  database: EdgeDatabase,
  id: number,
  affected: number,
): Promise<void> {
  await database.update(deadLetterActions).set({ affected }).where(eq(deadLetterActions.id, id));
}

/** The latest actions, the newest first. */
export async function latestActions(database: EdgeDatabase): Promise<DeadLetterAction[]> {
  const rows = await database
    .select()
    .from(deadLetterActions)
    .orderBy(desc(deadLetterActions.id))
    .limit(MAX_LISTED);
  return rows.map(({ at, by, action, selection, affected }) => {
    return { at: instantText(at), by, action, selection, affected };
  });
}
