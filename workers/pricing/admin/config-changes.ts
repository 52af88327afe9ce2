/**
 * Changes of what is in force, each with its line in the audit.
 *
 * The line is written first and completed last, the pointer is moved between: no change goes unrecorded, and one that
 * failed half way shows as not applied.
 */
import { desc, eq } from "drizzle-orm";
import type { ConfigChange, PublishedAnswer } from "../../../contract/admin.ts";
import { instantText } from "../../../contract/names.ts";
import type { Problem } from "../../../contract/problem.ts";
import { POINTER } from "../../../contract/store-keys.ts";
import type { Call } from "../call.ts";
import type { Catalog } from "../catalog.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import type { Dependency, Unanswered } from "../dependency.ts";
import { jsonResponse } from "../routes/json.ts";
import { configChanges } from "../schema.ts";
import type { ConfigStore } from "../stores.ts";

export interface AdminPorts {
  config: ConfigStore;
  configDependency: Dependency;
  database: EdgeDatabase;
  databaseDependency: Dependency;
  catalog: Catalog;
  wallNow: () => number;
}

export interface Change {
  what: keyof typeof POINTER;
  version: string;
  /** Id of the key that asks for it. */
  by: string;
  /** What the pointer will name; written before the pointer moves. */
  document?: { key: string; text: string };
}

/** Puts a version in force, and has this isolate notice at once. */
export async function putInForce(
  ports: AdminPorts,
  { what, version, by, document }: Change,
): Promise<PublishedAnswer | Problem> {
  const { config, configDependency, database, databaseDependency, catalog, wallNow } = ports;
  const previous = await configDependency.ask(() => config.get(POINTER[what]));
  if (!previous.ok) return unavailable(previous);
  if (document) {
    const stored = await configDependency.ask(() => config.put(document.key, document.text));
    if (!stored.ok) return unavailable(stored);
  }
  const before = previous.value;
  const line = { changedAt: wallNow(), changedBy: by, what, before, after: version };
  const written = await databaseDependency.ask(() =>
    database.insert(configChanges).values(line).returning({ id: configChanges.id }),
  );
  if (!written.ok) return unavailable(written);
  const moved = await configDependency.ask(() => config.put(POINTER[what], version));
  if (!moved.ok) return unavailable(moved);
  const [row] = written.value;
  // The change is in force; that the audit cannot say so yet is in the log, and does not undo it.
  if (row) await databaseDependency.ask(() => completeChange(database, row.id, wallNow()));
  await catalog.renew();
  return { version, previous: before };
}

/** Writes that a change took effect. */
export function completeChange(
  database: EdgeDatabase,
  id: number,
  appliedAt: number,
): Promise<unknown> {
  return database.update(configChanges).set({ appliedAt }).where(eq(configChanges.id, id));
}

const MAX_LISTED = 100;

/** The latest changes, the newest first. */
export async function latestChanges(database: EdgeDatabase): Promise<ConfigChange[]> {
  const rows = await database
    .select()
    .from(configChanges)
    .orderBy(desc(configChanges.id))
    .limit(MAX_LISTED);
  return rows.map(({ changedAt, changedBy, what, before, after, appliedAt }) => ({
    changed_at: instantText(changedAt),
    changed_by: changedBy,
    what,
    before,
    after,
    applied: appliedAt !== null,
  }));
}

export function unavailable({ detail }: Unanswered): Problem {
  return { type: "unavailable", detail, retryAfterS: 2 };
}

/** The id of the key behind a request, for the audit. */
export function keyIdOf({ principal }: Call): string {
  if (!principal) throw new Error("a route of administration was left open");
  return principal.keyId;
}

/** What came of a change, as a response. */
export function answered(result: PublishedAnswer | Problem): Response | Problem {
  return "type" in result ? result : jsonResponse(result);
}
