/** Rules that were in force before: which there were, what they said, and back to them. */
import { and, desc, eq, isNotNull, ne, sql } from "drizzle-orm";
import { MAX_RULES_BODY_BYTES, rollbackRequestSchema } from "../../../contract/admin.ts";
import { instantText } from "../../../contract/names.ts";
import type { Problem } from "../../../contract/problem.ts";
import { rulesVersionSchema } from "../../../contract/rules.ts";
import { POINTER } from "../../../contract/store-keys.ts";
import type { RulesVersion } from "../../../domain/units.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import type { KnownRules } from "../documents.ts";
import { checked, readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { configChanges } from "../schema.ts";
import {
  type AdminPorts,
  answered,
  keyIdOf,
  putInForce,
  unavailable,
  versionPointedTo,
} from "./config-changes.ts";
import { faultsTogether } from "./documents.ts";

const MAX_LISTED = 100;

/** GET /admin/v1/rules/versions */
export function listRules(ports: AdminPorts): Handler {
  const { config, configDependency, database, databaseDependency } = ports;
  return async () => {
    const [current, rows] = await Promise.all([
      configDependency.ask(() => config.get(POINTER.rules)),
      databaseDependency.ask(() => versionsInForce(database)),
    ]);
    if (!current.ok) return unavailable(current);
    if (!rows.ok) return unavailable(rows);
    const inForce = current.value === null ? null : versionPointedTo(current.value);
    const versions = rows.value.map(({ version, publishedAt, publishedBy }) => ({
      version,
      published_at: instantText(publishedAt),
      published_by: publishedBy,
      current: version === inForce,
    }));
    return jsonResponse({ versions });
  };
}

/** GET /admin/v1/rules/versions/{version} */
export function readRulesVersion({ catalog }: AdminPorts): Handler {
  return async (call) => {
    const version = checked(rulesVersionSchema, call.param("version"), "version");
    if ("type" in version) return version;
    const rules = await catalog.rulesOf(version.value);
    if (rules.kind === "unavailable") return { type: "unavailable", retryAfterS: 2 };
    if (rules.kind !== "loaded") return unknownRules(version.value);
    return jsonResponse({ version: rules.value.version, document: rules.value.json });
  };
}

/** POST /admin/v1/rules/rollback: to a version, or to the one before the present one. */
export function rollBackRules(ports: AdminPorts): Handler {
  const { catalog } = ports;
  return async (call) => {
    const body = await readJson(call.request, MAX_RULES_BODY_BYTES);
    if (!("json" in body)) return body;
    const asked = checked(rollbackRequestSchema, body.json);
    if ("type" in asked) return asked;
    const version = asked.value.version ?? (await versionBefore(ports));
    if (typeof version !== "string") return version;
    const rules = await catalog.rulesOf(version);
    if (rules.kind === "unavailable") return { type: "unavailable", retryAfterS: 2 };
    if (rules.kind !== "loaded") return unknownRules(version);
    await catalog.renewIfUnknown();
    const errors = faultsNow(ports, rules.value);
    if (errors.length > 0) return { type: "invalid_rules", errors };
    const { request } = call;
    return answered(
      await putInForce(ports, { what: "rules", version, by: keyIdOf(call), request }),
    );
  };
}

/** Regions may have changed since the rules were in force. */
function faultsNow({ catalog }: AdminPorts, { document }: KnownRules) {
  return catalog.published().regions ? faultsTogether(document, catalog.inForce().regions) : [];
}

/** The version that the one in force took the place of. */
async function versionBefore(ports: AdminPorts): Promise<RulesVersion | Problem> {
  const { config, configDependency, database, databaseDependency } = ports;
  const current = await configDependency.ask(() => config.get(POINTER.rules));
  if (!current.ok) return unavailable(current);
  const version = current.value === null ? "" : versionPointedTo(current.value);
  const rows = await databaseDependency.ask(() =>
    database
      .select({ before: configChanges.before })
      .from(configChanges)
      .where(
        and(
          eq(configChanges.what, "rules"),
          eq(configChanges.after, version),
          // Rules that were published twice took the place of themselves.
          ne(configChanges.before, version),
          isNotNull(configChanges.appliedAt),
        ),
      )
      .orderBy(desc(configChanges.id))
      .limit(1),
  );
  if (!rows.ok) return unavailable(rows);
  const before = rulesVersionSchema.safeParse(rows.value[0]?.before);
  if (before.success) return before.data;
  const detail = "The audit knows of no version before the one in force; say which.";
  return { type: "unknown_rules", detail };
}

function unknownRules(version: string): Problem {
  return { type: "unknown_rules", detail: `No rules are ${version}.` };
}

/** Each version that was ever put in force, by when it was last. */
function versionsInForce(database: EdgeDatabase) {
  const lastId = sql<number>`max(${configChanges.id})`;
  return database
    .select({
      version: configChanges.after,
      // SQLite takes these from the row that has the maximum.
      publishedAt: configChanges.changedAt,
      publishedBy: configChanges.changedBy,
      lastId,
    })
    .from(configChanges)
    .where(and(eq(configChanges.what, "rules"), isNotNull(configChanges.appliedAt)))
    .groupBy(configChanges.after)
    .orderBy(desc(lastId))
    .limit(MAX_LISTED);
}
