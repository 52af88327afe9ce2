/**
 * Every route of the product at the edge, once: the router, the checks of keys and openapi.json are made from this list.
 */
import * as z from "zod";
import type { Permission } from "./access.ts";
import {
  configChangesAnswerSchema,
  historyAnswerSchema,
  historySeedSchema,
  modelAnswerSchema,
  modelFormSchema,
  modelsAnswerSchema,
  publishedAnswerSchema,
  rulesAnswerSchema,
} from "./admin.ts";
import { eventSchema, eventsAnswerSchema, MAX_EVENTS_PER_REQUEST } from "./events.ts";
import { explainAnswerSchema, explainQuerySchema } from "./explain.ts";
import { modelVersionSchema } from "./model.ts";
import { regionIdSchema } from "./names.ts";
import {
  batchAnswerSchema,
  batchRequestSchema,
  computeRequestSchema,
  forecastAnswerSchema,
  forecastQuerySchema,
  priceAnswerSchema,
} from "./pricing.ts";
import type { ProblemType } from "./problem.ts";
import { demandAnswerSchema, regionsDocumentSchema } from "./regions.ts";
import { rulesDocumentSchema } from "./rules.ts";

export type Method = "GET" | "POST" | "PUT";

export interface Operation {
  method: Method;
  /** With `{name}` for each parameter of the path. */
  path: string;
  summary: string;
  description?: string;
  /** What a key must be allowed to do; null is open to everyone. */
  permission: Permission | null;
  parameters?: Record<string, z.ZodType>;
  query?: z.ZodObject;
  /** The body by content type. */
  body?: Record<string, z.ZodType>;
  answer: { status: number; contentType: string; schema: z.ZodType };
  /** Problems of its own, beside those that follow from having a key or a body. */
  problems: readonly ProblemType[];
}

const json = (schema: z.ZodType, status = 200) => ({
  status,
  contentType: "application/json",
  schema,
});
const text = (contentType: string) => ({ status: 200, contentType, schema: z.string() });
const byRegion = { region_id: regionIdSchema };
const byVersion = { version: modelVersionSchema };
const statusSchema = z.object({ status: z.string() });

export const OPERATIONS = {
  postEvents: {
    method: "POST",
    path: "/api/v1/events",
    summary: "Accept events",
    description:
      "One event, an array, `{events: [...]}`, or one event a line (NDJSON); up to 500 events and 1 MiB. " +
      "Accepted means durably stored. A repeated idempotency key of the same region is accepted and counted once.",
    permission: "events:write",
    body: {
      "application/json": z.union([
        eventSchema,
        z.array(eventSchema).min(1).max(MAX_EVENTS_PER_REQUEST),
        z.strictObject({ events: z.array(eventSchema).min(1).max(MAX_EVENTS_PER_REQUEST) }),
      ]),
      "application/x-ndjson": z.string(),
    },
    answer: json(eventsAnswerSchema, 202),
    problems: ["invalid_events", "overloaded", "unavailable"],
  },
  computePrice: {
    method: "POST",
    path: "/api/v1/pricing/compute",
    summary: "What does this cost here, now?",
    description:
      "The price of one unit, held for two minutes. A key that may ask for fresh prices can send " +
      "`Cache-Control: no-cache` to have the decision made anew.",
    permission: "prices:read",
    body: { "application/json": computeRequestSchema },
    answer: json(priceAnswerSchema),
    problems: ["unknown_region", "unknown_product"],
  },
  computePrices: {
    method: "POST",
    path: "/api/v1/pricing/batch",
    summary: "Up to 200 prices at once",
    description: "An item that cannot be priced has its problem in its place.",
    permission: "prices:read",
    body: { "application/json": batchRequestSchema },
    answer: json(batchAnswerSchema),
    problems: [],
  },
  explainPrice: {
    method: "GET",
    path: "/api/v1/pricing/explain",
    summary: "Why was it that price?",
    description: "The decision of a request id, its inputs, and each step in numbers and words.",
    permission: "prices:read",
    query: explainQuerySchema,
    answer: json(explainAnswerSchema),
    problems: ["unknown_decision", "unavailable"],
  },
  forecastDemand: {
    method: "GET",
    path: "/api/v1/forecast/demand",
    summary: "Bookings expected in the coming hour",
    description: "For each quarter hour up to the asked horizon, in minutes.",
    permission: "demand:read",
    query: forecastQuerySchema,
    answer: json(forecastAnswerSchema),
    problems: ["unknown_region", "unavailable"],
  },
  listRegions: {
    method: "GET",
    path: "/api/v1/regions",
    summary: "The regions that are priced",
    permission: "demand:read",
    answer: json(regionsDocumentSchema),
    problems: ["not_published"],
  },
  readDemand: {
    method: "GET",
    path: "/api/v1/regions/{region_id}/demand",
    summary: "The live windows of a region",
    permission: "demand:read",
    parameters: byRegion,
    answer: json(demandAnswerSchema),
    problems: ["unknown_region", "unavailable"],
  },
  listModels: {
    method: "GET",
    path: "/admin/v1/models",
    summary: "Registered models, the newest first",
    permission: "admin",
    answer: json(modelsAnswerSchema),
    problems: ["unavailable"],
  },
  registerModel: {
    method: "PUT",
    path: "/admin/v1/models/{version}",
    summary: "Register a model",
    description:
      "ONNX bytes and their card. The version is the hash of the bytes; the graph must load, its features must be " +
      "those of this version of the product, and its answers to the card's golden inputs those of the card.",
    permission: "admin",
    parameters: byVersion,
    body: { "multipart/form-data": modelFormSchema },
    answer: json(modelAnswerSchema, 201),
    problems: ["invalid_model", "unavailable"],
  },
  publishModel: {
    method: "POST",
    path: "/admin/v1/models/{version}/publish",
    summary: "Price with this model",
    permission: "admin",
    parameters: byVersion,
    answer: json(publishedAnswerSchema),
    problems: ["unknown_model", "invalid_model", "unavailable"],
  },
  readRules: {
    method: "GET",
    path: "/admin/v1/rules",
    summary: "The rules in force",
    permission: "admin",
    answer: json(rulesAnswerSchema),
    problems: ["not_published"],
  },
  publishRules: {
    method: "PUT",
    path: "/admin/v1/rules",
    summary: "Price by these rules",
    permission: "admin",
    body: { "application/json": rulesDocumentSchema },
    answer: json(publishedAnswerSchema),
    problems: ["invalid_rules", "unavailable"],
  },
  publishRegions: {
    method: "PUT",
    path: "/admin/v1/regions",
    summary: "Replace the regions",
    permission: "admin",
    body: { "application/json": regionsDocumentSchema },
    answer: json(publishedAnswerSchema),
    problems: ["unavailable"],
  },
  seedHistory: {
    method: "PUT",
    path: "/admin/v1/regions/{region_id}/history",
    summary: "Tell a region of the time before its first event",
    permission: "admin",
    parameters: byRegion,
    body: { "application/json": historySeedSchema },
    answer: json(historyAnswerSchema),
    problems: ["unknown_region", "unavailable"],
  },
  listChanges: {
    method: "GET",
    path: "/admin/v1/changes",
    summary: "Who changed rules, regions and models; the newest first",
    permission: "admin",
    answer: json(configChangesAnswerSchema),
    problems: ["unavailable"],
  },
  health: {
    method: "GET",
    path: "/healthz",
    summary: "Is it alive?",
    permission: null,
    answer: json(statusSchema),
    problems: [],
  },
  readiness: {
    method: "GET",
    path: "/readyz",
    summary: "Do prices come from a model?",
    permission: null,
    answer: json(statusSchema),
    problems: ["unavailable"],
  },
  metrics: {
    method: "GET",
    path: "/metrics",
    summary: "Metrics in the Prometheus text format",
    permission: "metrics:read",
    answer: text("text/plain"),
    problems: [],
  },
  openApi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This description",
    permission: null,
    answer: json(z.looseObject({ openapi: z.string() })),
    problems: [],
  },
  docs: {
    method: "GET",
    path: "/docs",
    summary: "This description, for people",
    permission: null,
    answer: text("text/html"),
    problems: [],
  },
  problems: {
    method: "GET",
    path: "/docs/problems",
    summary: "What each problem type means",
    permission: null,
    answer: text("text/html"),
    problems: [],
  },
} as const satisfies Record<string, Operation>;

export type OperationId = keyof typeof OPERATIONS;
