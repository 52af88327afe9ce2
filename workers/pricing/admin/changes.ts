/** Who changed what: GET /admin/v1/changes, and GET /admin/v1/changes/{id} with what changed. */
import { and, desc, eq, gte, lt } from "drizzle-orm";
import jsonPatch from "fast-json-patch";
import {
  type ChangedDocumentAnswer,
  type ChangeSelection,
  type ConfigChange,
  changeIdSchema,
  changesQuerySchema,
} from "../../../contract/admin.ts";
import { instantText } from "../../../contract/names.ts";
import { modelCardKey } from "../../../contract/store-keys.ts";
import type { ModelVersion } from "../../../domain/units.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import type { Answer, Dependency } from "../dependency.ts";
import { checked, checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { configChanges } from "../schema.ts";
import type { ConfigStore, ModelStore } from "../stores.ts";
import { type AdminPorts, unavailable } from "./config-changes.ts";

export interface ChangePorts extends AdminPorts {
  modelStore: ModelStore;
  modelDependency: Dependency;
}

/** GET /admin/v1/changes */
export function listChanges({ database, databaseDependency }: AdminPorts): Handler {
  return async ({ request }) => {
    const query = checkedQuery(changesQuerySchema, request);
    if ("type" in query) return query;
    const { after, limit, ...selection } = query.value;
    const rows = await databaseDependency.ask(() =>
      selectChanges(database, selection, after, limit),
    );
    if (!rows.ok) return unavailable(rows);
    const last = rows.value.length === limit ? rows.value.at(-1) : undefined;
    return jsonResponse({ changes: rows.value.map(changeFrom), next: last?.id ?? null });
  };
}

/** GET /admin/v1/changes/{id} */
export function readChange(ports: ChangePorts): Handler {
  const { database, databaseDependency } = ports;
  return async (call) => {
    const id = checked(changeIdSchema, call.param("id"), "id");
    if ("type" in id) return id;
    const rows = await databaseDependency.ask(() =>
      database.select().from(configChanges).where(eq(configChanges.id, id.value)),
    );
    if (!rows.ok) return unavailable(rows);
    const [row] = rows.value;
    if (!row) return { type: "unknown_change" };
    const [before, after] = await Promise.all([
      documentOf(ports, row.what, row.before),
      documentOf(ports, row.what, row.after),
    ]);
    if (!before.ok) return unavailable(before);
    if (!after.ok) return unavailable(after);
    const answer: ChangedDocumentAnswer = {
      ...changeFrom(row),
      document_before: before.value,
      document_after: after.value,
      patch: patchOf(before.value, after.value),
    };
    return jsonResponse(answer);
  };
}

/** In the order of their ids, which is that of their beginning. */
async function selectChanges(
  database: EdgeDatabase,
  { what, changed_by, since, until }: ChangeSelection,
  after: number | undefined,
  limit: number,
) {
  return database
    .select()
    .from(configChanges)
    .where(
      and(
        after === undefined ? undefined : lt(configChanges.id, after),
        what && eq(configChanges.what, what),
        changed_by === undefined ? undefined : eq(configChanges.changedBy, changed_by),
        since === undefined ? undefined : gte(configChanges.changedAt, since),
        until === undefined ? undefined : lt(configChanges.changedAt, until),
      ),
    )
    .orderBy(desc(configChanges.id))
    .limit(limit);
}

type ChangeRow = typeof configChanges.$inferSelect;

function changeFrom(row: ChangeRow): ConfigChange {
  const { id, changedAt, changedBy, what, before, after, appliedAt } = row;
  return {
    id,
    changed_at: instantText(changedAt),
    changed_by: changedBy,
    what,
    before,
    after,
    applied: appliedAt !== null,
  };
}

/** What a version named: a document in KV, a model's card in R2, or, of a key, the text itself. Null where there is none. */
async function documentOf(
  { config, configDependency, modelStore, modelDependency }: ChangePorts,
  what: ChangeRow["what"],
  version: string | null,
): Promise<Answer<unknown>> {
  if (version === null) return { ok: true, value: null };
  if (what === "key") return { ok: true, value: JSON.parse(version) };
  const text: Answer<string | null> =
    what === "model"
      ? await modelDependency.ask(() => cardText(modelStore, version as ModelVersion))
      : await configDependency.ask(() => documentText(config, what, version));
  if (!text.ok) return text;
  return { ok: true, value: text.value === null ? null : JSON.parse(text.value) };
}

/** Documents of every kind lie at its name and their version. */
function documentText(
  config: ConfigStore,
  what: Exclude<ChangeRow["what"], "key" | "model">,
  version: string,
): Promise<string | null> {
  return config.get(`${what}/${version}`);
}

async function cardText(store: ModelStore, version: ModelVersion): Promise<string | null> {
  const bytes = await store.get(modelCardKey(version));
  return bytes && new TextDecoder().decode(bytes);
}

/**
 * Lists are compared place by place: in time that grows with their length, where the shortest patch would take its square, and regions may be
 * ten thousand.
 */
function patchOf(before: unknown, after: unknown): ChangedDocumentAnswer["patch"] {
  if (!isContainer(before) || !isContainer(after)) return null;
  return jsonPatch.compare(before, after) as ChangedDocumentAnswer["patch"];
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
