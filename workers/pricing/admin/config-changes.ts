/**
 * Changes of what is in force, each with its line in the audit.
 *
 * The line is written first and completed last, the pointer is moved between: no change goes unrecorded, and one that
 * failed half way shows as not applied.
 */
import { eq } from "drizzle-orm";
import type { PublishedAnswer } from "../../../contract/admin.ts";
import type { Problem } from "../../../contract/problem.ts";
import { rulesVersionOf } from "../../../contract/rules.ts";
import { POINTER } from "../../../contract/store-keys.ts";
import type { Call } from "../call.ts";
import type { Catalog } from "../catalog.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import type { Dependency, Unanswered } from "../dependency.ts";
import { jsonResponse } from "../routes/json.ts";
import { configChanges } from "../schema.ts";
import type { ConfigStore } from "../stores.ts";
import { claimChange } from "./config-head.ts";
import { entityTagOf, notMatching } from "./if-match.ts";

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
  /** Who asks; its If-Match says what is to be changed. */
  request: Request;
  /** What the pointer will name; written before the pointer moves. */
  document?: { key: string; text: string };
}

/** Puts a version in force, and has this isolate notice at once. */
export async function putInForce(
  ports: AdminPorts,
  { what, version, by, request, document }: Change,
): Promise<PublishedAnswer | Problem> {
  const { config, configDependency, database, databaseDependency, catalog, wallNow } = ports;
  const pointed = await configDependency.ask(() => config.get(POINTER[what]));
  if (!pointed.ok) return unavailable(pointed);
  const before = pointed.value === null ? null : versionPointedTo(pointed.value);
  const mismatch = notMatching(request, before);
  if (mismatch) return mismatch;
  if (document) {
    const stored = await configDependency.ask(() => config.put(document.key, document.text));
    if (!stored.ok) return unavailable(stored);
  }
  const isExclusive = request.headers.has("if-match");
  const claim = { what, before, version, isExclusive, now: wallNow() };
  const claimed = await databaseDependency.ask(() => claimChange(database, claim));
  if (!claimed.ok) return unavailable(claimed);
  if (!claimed.value) {
    return { type: "version_changed", detail: `Another change of ${before} was made just now.` };
  }
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

/** The version that a pointer names. Bare wrangler may have put a whole document of rules there. */
export function versionPointedTo(text: string): string {
  const pointed = text.trim();
  if (!pointed.startsWith("{")) return pointed;
  try {
    return rulesVersionOf(JSON.parse(pointed));
  } catch (error) {
    if (error instanceof SyntaxError) return "unreadable";
    throw error;
  }
}

/** Writes that a change took effect. */
export function completeChange(
  database: EdgeDatabase,
  id: number,
  appliedAt: number,
): Promise<unknown> {
  return database.update(configChanges).set({ appliedAt }).where(eq(configChanges.id, id));
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
  return "type" in result ? result : tagged(result.version, result);
}

/** JSON, with the version that is in force as its entity tag. */
export function tagged(version: string, json: unknown): Response {
  const response = jsonResponse(json);
  response.headers.set("etag", entityTagOf(version));
  return response;
}
