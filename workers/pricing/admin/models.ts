/** The model registry: bytes and cards in R2, one row each in D1, the pointer to the one that prices in KV. */
import { desc } from "drizzle-orm";
import { MAX_MODEL_FORM_OVERHEAD_BYTES, type ModelAnswer } from "../../../contract/admin.ts";
import { mediaTypeOf, readBytes } from "../../../contract/body.ts";
import { messageOf } from "../../../contract/log.ts";
import { MAX_MODEL_BYTES } from "../../../contract/model.ts";
import { instantText } from "../../../contract/names.ts";
import type { Problem } from "../../../contract/problem.ts";
import { modelCardKey, modelKey, POINTER } from "../../../contract/store-keys.ts";
import type { ModelVersion } from "../../../domain/units.ts";
import type { Dependency } from "../dependency.ts";
import { loadModel } from "../model/load-model.ts";
import type { Models } from "../model/models.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { models as modelTable } from "../schema.ts";
import type { ModelStore } from "../stores.ts";
import { type AdminPorts, answered, keyIdOf, putInForce, unavailable } from "./config-changes.ts";

export interface ModelAdminPorts extends AdminPorts {
  models: Models;
  modelStore: ModelStore;
  modelDependency: Dependency;
}

type ModelRow = typeof modelTable.$inferSelect;

/** PUT /admin/v1/models/{version}: nothing is stored that could not price. */
export function registerModel(ports: ModelAdminPorts): Handler {
  const { modelStore, modelDependency, database, databaseDependency, wallNow } = ports;
  return async (call) => {
    const form = await readForm(call.request);
    if ("type" in form) return form;
    const model = await loadModel(form.onnx, form.cardJson);
    if (Array.isArray(model)) return { type: "invalid_model", errors: model };
    const { version, card } = model;
    model.release();
    if (version !== call.param("version")) {
      const detail = `the bytes are ${version}`;
      return { type: "invalid_model", errors: [{ path: "version", detail }] };
    }
    const stored = await modelDependency.ask(async () => {
      await modelStore.put(modelKey(version), form.onnx);
      await modelStore.put(modelCardKey(version), new TextEncoder().encode(form.cardJson));
    });
    if (!stored.ok) return unavailable(stored);
    const row: ModelRow = {
      version,
      registeredAt: wallNow(),
      registeredBy: keyIdOf(call),
      bytes: form.onnx.byteLength,
      card,
    };
    const listed = await databaseDependency.ask(() =>
      database.insert(modelTable).values(row).onConflictDoNothing(),
    );
    return listed.ok ? jsonResponse(modelAnswerFrom(row, null), 201) : unavailable(listed);
  };
}

/** POST /admin/v1/models/{version}/publish: the model is loaded and checked here before anyone prices with it. */
export function publishModel(ports: ModelAdminPorts): Handler {
  return async (call) => {
    const version = call.param("version") as ModelVersion;
    const loaded = await ports.models.load(version);
    switch (loaded.kind) {
      case "loaded":
        return answered(
          await putInForce(ports, {
            what: "model",
            version,
            by: keyIdOf(call),
            request: call.request,
          }),
        );
      case "refused":
        return { type: "invalid_model", errors: loaded.faults };
      case "missing":
        return { type: "unknown_model" };
      case "unavailable":
        return { type: "unavailable", retryAfterS: 2 };
    }
  };
}

const MAX_LISTED = 100;

/** GET /admin/v1/models */
export function listModels(ports: ModelAdminPorts): Handler {
  const { config, configDependency, database, databaseDependency } = ports;
  return async () => {
    const [current, rows] = await Promise.all([
      configDependency.ask(() => config.get(POINTER.model)),
      databaseDependency.ask(() =>
        database.select().from(modelTable).orderBy(desc(modelTable.registeredAt)).limit(MAX_LISTED),
      ),
    ]);
    if (!current.ok) return unavailable(current);
    if (!rows.ok) return unavailable(rows);
    return jsonResponse({ models: rows.value.map((row) => modelAnswerFrom(row, current.value)) });
  };
}

function modelAnswerFrom(row: ModelRow, current: string | null): ModelAnswer {
  return {
    version: row.version,
    registered_at: instantText(row.registeredAt),
    registered_by: row.registeredBy,
    created_at: row.card.created_at,
    feature_set_version: row.card.feature_set_version,
    bytes: row.bytes,
    current: row.version === current,
    hourly: row.card.evaluation.hourly.model,
  };
}

async function readForm(
  request: Request,
): Promise<{ onnx: Uint8Array<ArrayBuffer>; cardJson: string } | Problem> {
  const contentType = request.headers.get("content-type");
  if (mediaTypeOf(contentType) !== "multipart/form-data") {
    const detail = "Send a form with the files `model` and `card`.";
    return { type: "unsupported_media_type", detail };
  }
  const bytes = await readBytes(request, MAX_MODEL_BYTES + MAX_MODEL_FORM_OVERHEAD_BYTES);
  if (!(bytes instanceof Uint8Array)) return bytes;
  const parts = await formFrom(bytes, contentType ?? "");
  if (typeof parts === "string") return { type: "invalid_request", detail: parts };
  const [model, card] = [parts.get("model"), parts.get("card")];
  if (!(model instanceof File)) return missingPart("model");
  if (card === null) return missingPart("card");
  return {
    onnx: new Uint8Array(await model.arrayBuffer()),
    cardJson: card instanceof File ? await card.text() : card,
  };
}

function missingPart(path: string): Problem {
  return {
    type: "invalid_request",
    errors: [{ path, detail: "There is no such file in the form." }],
  };
}

/** The form, or what is wrong with it. */
async function formFrom(bytes: Uint8Array, contentType: string): Promise<FormData | string> {
  try {
    return await new Response(bytes, { headers: { "content-type": contentType } }).formData();
  } catch (error) {
    return `The body is no multipart form: ${messageOf(error)}`;
  }
}
