/**
 * Every route of the product at the edge, once: the router, the checks of keys and openapi.json are made from this list.
 *
 * What goes in and comes out of each is in operation-schemas.ts: a Worker that only routes need not carry all of it.
 */
import type { Permission } from "./access.ts";
import type { ProblemType } from "./problem.ts";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

export interface Operation {
  method: Method;
  /** With `{name}` for each parameter of the path. */
  path: string;
  summary: string;
  description?: string;
  /** What a key must be allowed to do; null is open to everyone. */
  permission: Permission | null;
  /**
   * What keys for some regions only may do with it. `named`: the request names its regions, and the handler refuses those outside
   * the scope (`forbiddenRegion`). `shared`: it shows what regions have in common. Without it the route concerns every region, and
   * such keys are refused.
   */
  scope?: "named" | "shared";
  /** Problems of its own, beside those that follow from having a key or a body. */
  problems: readonly ProblemType[];
}

export const OPERATIONS = {
  postEvents: {
    method: "POST",
    path: "/api/v1/events",
    summary: "Accept events",
    description:
      "Up to 500 events and 1 MiB, as JSON (one event, an array, `{events: [...]}`), NDJSON, CloudEvents 1.0 (structured, " +
      "batched, binary mode), Avro or Protobuf; the content type says which. `Content-Encoding` may be gzip or deflate. " +
      "Accepted means durably stored. A repeated idempotency key of the same region is accepted and counted once.",
    permission: "events:write",
    scope: "named",
    problems: [
      "invalid_events",
      "too_many_events",
      "overloaded",
      "unavailable",
      "malformed_body",
      "unsupported_content_coding",
    ],
  },
  readEventSchema: {
    method: "GET",
    path: "/api/v1/events/schemas/{name}",
    summary: "The schema of events for Avro or Protobuf",
    permission: null,
    problems: ["not_found"],
  },
  computePrice: {
    method: "POST",
    path: "/api/v1/pricing/compute",
    summary: "What does this cost here, now?",
    description:
      "The price of one unit, held for two minutes. A key that may ask for fresh prices can send " +
      "`Cache-Control: no-cache` to have the decision made anew.",
    permission: "prices:read",
    scope: "named",
    problems: ["unknown_region", "unknown_product"],
  },
  computePrices: {
    method: "POST",
    path: "/api/v1/pricing/batch",
    summary: "Up to 200 prices at once",
    description: "An item that cannot be priced has its problem in its place.",
    permission: "prices:read",
    scope: "named",
    problems: [],
  },
  createQuote: {
    method: "POST",
    path: "/api/v1/quotes",
    summary: "A price that is held, signed",
    description:
      "Asks as compute does, and answers the same with a quote: a JWS that is valid for two minutes, that anybody checks with the public " +
      "keys, and that is redeemed once.",
    permission: "quotes:write",
    scope: "named",
    problems: ["unknown_region", "unknown_product"],
  },
  verifyQuote: {
    method: "POST",
    path: "/api/v1/quotes/verify",
    summary: "Is this quote valid, and what does it say?",
    description:
      "Told from the public keys alone, so not whether the quote was redeemed. A quote may be past its end by five seconds.",
    permission: "quotes:write",
    scope: "named",
    problems: [],
  },
  redeemQuote: {
    method: "POST",
    path: "/api/v1/quotes/redeem",
    summary: "Take the price of a quote, once",
    description:
      "The same request with the same idempotency key is answered the same again, until ten minutes past the quote's end; any other " +
      "redemption of the quote is refused.",
    permission: "quotes:redeem",
    scope: "named",
    problems: [
      "wrong_user",
      "quote_redeemed",
      "idempotency_key_reused",
      "quote_expired",
      "invalid_quote",
      "unavailable",
    ],
  },
  explainPrice: {
    method: "GET",
    path: "/api/v1/pricing/explain",
    summary: "Why was it that price?",
    description: "The decision of a request id, its inputs, and each step in numbers and words.",
    permission: "prices:explain",
    scope: "named",
    problems: ["unknown_decision", "unavailable"],
  },
  forecastDemand: {
    method: "GET",
    path: "/api/v1/forecast/demand",
    summary: "Bookings expected in the coming hour",
    description: "For each quarter hour up to the asked horizon, in minutes.",
    permission: "demand:read",
    scope: "named",
    problems: ["unknown_region", "unavailable"],
  },
  listRegions: {
    method: "GET",
    path: "/api/v1/regions",
    summary: "The regions that are priced",
    permission: "demand:read",
    scope: "shared",
    problems: ["not_published"],
  },
  readDemand: {
    method: "GET",
    path: "/api/v1/regions/{region_id}/demand",
    summary: "The live windows of a region",
    permission: "demand:read",
    scope: "named",
    problems: ["unknown_region", "unavailable"],
  },
  listModels: {
    method: "GET",
    path: "/admin/v1/models",
    summary: "Registered models, the newest first",
    permission: "models:read",
    scope: "shared",
    problems: ["unavailable"],
  },
  registerModel: {
    method: "PUT",
    path: "/admin/v1/models/{version}",
    summary: "Register a model",
    description:
      "ONNX bytes and their card. The version is the hash of the bytes; the graph must load, its features must be " +
      "those of this version of the product, and its answers to the card's golden inputs those of the card.",
    permission: "models:write",
    problems: ["invalid_model", "unavailable"],
  },
  publishModel: {
    method: "POST",
    path: "/admin/v1/models/{version}/publish",
    summary: "Price with this model",
    permission: "models:write",
    problems: ["unknown_model", "invalid_model", "unavailable"],
  },
  readRules: {
    method: "GET",
    path: "/admin/v1/rules",
    summary: "The rules in force, with their version as ETag",
    permission: "rules:read",
    scope: "shared",
    problems: ["not_published"],
  },
  publishRules: {
    method: "PUT",
    path: "/admin/v1/rules",
    summary: "Price by these rules",
    description:
      "With `If-Match` only where the version it names is still in force: nobody's change is undone unseen.",
    permission: "rules:write",
    problems: ["invalid_rules", "version_changed", "unavailable"],
  },
  listRules: {
    method: "GET",
    path: "/admin/v1/rules/versions",
    summary: "Rules that were in force, the newest first: when and by whom",
    permission: "rules:read",
    scope: "shared",
    problems: ["unavailable"],
  },
  readRulesVersion: {
    method: "GET",
    path: "/admin/v1/rules/versions/{version}",
    summary: "Rules of a version",
    permission: "rules:read",
    scope: "shared",
    problems: ["unknown_rules", "unavailable"],
  },
  rollBackRules: {
    method: "POST",
    path: "/admin/v1/rules/rollback",
    summary: "Price by earlier rules again",
    description:
      "Those of `version`, or where none is given those that were in force before the present ones.",
    permission: "rules:write",
    problems: ["unknown_rules", "invalid_rules", "version_changed", "unavailable"],
  },
  readEmergency: {
    method: "GET",
    path: "/admin/v1/emergency",
    summary: "The emergency caps and freezes in force, with their version as ETag",
    permission: "rules:read",
    scope: "shared",
    problems: ["unavailable"],
  },
  publishEmergency: {
    method: "PUT",
    path: "/admin/v1/emergency",
    summary: "Replace the emergency caps and freezes",
    description:
      "In force wherever KV has spread within ten seconds, until they are lifted by leaving them out. Who took each measure and when is written into it.",
    permission: "emergency:write",
    problems: ["invalid_emergency", "version_changed", "unavailable"],
  },
  readRegions: {
    method: "GET",
    path: "/admin/v1/regions",
    summary: "The regions in force, with their version as ETag",
    permission: "regions:read",
    scope: "shared",
    problems: ["not_published"],
  },
  readExperiments: {
    method: "GET",
    path: "/admin/v1/experiments",
    summary: "The experiments in force",
    description: "The document, with its version as ETag.",
    permission: "experiments:read",
    scope: "shared",
    problems: ["not_published"],
  },
  publishExperiments: {
    method: "PUT",
    path: "/admin/v1/experiments",
    summary: "Replace the experiments",
    description:
      "The whole document; `If-Match` with the ETag that was read keeps one change from undoing another. What decides who gets what (salt, " +
      "variants, places) stays as it is once an experiment has begun.",
    permission: "experiments:write",
    problems: ["version_changed", "invalid_experiments", "unavailable"],
  },
  startExperiment: {
    method: "POST",
    path: "/admin/v1/experiments/{id}/start",
    summary: "Start an experiment",
    description: "Or go on with one that was stopped: users get the variants they had.",
    permission: "experiments:write",
    problems: ["unknown_experiment", "version_changed", "invalid_experiments", "unavailable"],
  },
  stopExperiment: {
    method: "POST",
    path: "/admin/v1/experiments/{id}/stop",
    summary: "Stop an experiment",
    description: "Its users get the prices of everybody else; the origin can still analyse it.",
    permission: "experiments:write",
    problems: ["unknown_experiment", "version_changed", "invalid_experiments", "unavailable"],
  },
  rampExperiment: {
    method: "POST",
    path: "/admin/v1/experiments/{id}/ramp",
    summary: "Take in more users, or fewer",
    description: "More traffic adds users and moves none of those who are in.",
    permission: "experiments:write",
    problems: ["unknown_experiment", "version_changed", "invalid_experiments", "unavailable"],
  },
  listExposures: {
    method: "GET",
    path: "/admin/v1/exposures",
    summary: "Who was told a price of an experiment first, and by which variant",
    description: "By user hash, a page at a time: for analysis.",
    permission: "decisions:export",
    problems: ["unavailable"],
  },
  publishRegions: {
    method: "PUT",
    path: "/admin/v1/regions",
    summary: "Replace the regions",
    permission: "regions:write",
    problems: ["version_changed", "unavailable"],
  },
  readFeatures: {
    method: "GET",
    path: "/admin/v1/features/{region_id}",
    summary: "What a region's prices are made from now",
    description: "Its newest snapshot: features by name, signals, readings, prices told lately.",
    permission: "features:read",
    scope: "named",
    problems: ["unknown_region", "unavailable"],
  },
  seedHistory: {
    method: "PUT",
    path: "/admin/v1/regions/{region_id}/history",
    summary: "Tell a region of the time before its first event",
    permission: "operations",
    scope: "named",
    problems: ["unknown_region", "unavailable"],
  },
  replayParcels: {
    method: "POST",
    path: "/admin/v1/regions/{region_id}/replay",
    summary: "Play parcels of the past into a region that nothing else counts in",
    description:
      "Parcels laid end to end, up to 1 MiB, in the order in which the door received them; each counts once however often it comes. " +
      "Windows close where they closed live; their signals are answered, and told nobody else.",
    permission: "operations",
    scope: "named",
    problems: ["unknown_region", "region_is_live", "malformed_body", "unavailable"],
  },
  readReplay: {
    method: "GET",
    path: "/admin/v1/regions/{region_id}/replay",
    summary: "What was played into a region, with the windows that are open still",
    permission: "operations",
    scope: "named",
    problems: ["unknown_region", "region_is_live", "unavailable"],
  },
  listChanges: {
    method: "GET",
    path: "/admin/v1/changes",
    summary: "Who changed what is in force, and when; the newest first",
    description: "Rules, regions, models, emergency measures, keys: by kind, key and time.",
    permission: "audit:read",
    scope: "shared",
    problems: ["unavailable"],
  },
  readChange: {
    method: "GET",
    path: "/admin/v1/changes/{id}",
    summary: "What a change changed",
    description:
      "The documents before and after it, and the difference as a JSON Patch (RFC 6902).",
    permission: "audit:read",
    scope: "shared",
    problems: ["unknown_change", "invalid_request", "unavailable"],
  },
  listDecisions: {
    method: "GET",
    path: "/admin/v1/decisions",
    summary: "Decisions of the last thirty days, the newest first",
    description:
      "By region, product, time, rules, model, source, experiment and variant. The origin has all that are older.",
    permission: "decisions:read",
    scope: "named",
    problems: ["unavailable"],
  },
  exportDecisions: {
    method: "GET",
    path: "/admin/v1/decisions/export",
    summary: "The same decisions as a file",
    description:
      "All that fit, as NDJSON or CSV, streamed. An answer that breaks off is not the whole file.",
    permission: "decisions:export",
    scope: "named",
    problems: ["unavailable"],
  },
  listDecisionSegments: {
    method: "GET",
    path: "/admin/v1/decision-log",
    summary: "Segments of the decision log, in order",
    description:
      "Those that come after a sequence. Sequences begin with 1 and have no gaps; what is past its retention is missing at the front.",
    permission: "decisions:export",
    problems: ["unavailable"],
  },
  readDecisionSegment: {
    method: "GET",
    path: "/admin/v1/decision-log/{sequence}",
    summary: "A segment of the decision log",
    description:
      "Decisions with everything they were made from, one JSON document a line. The same bytes each time. A decision may stand in several.",
    permission: "decisions:export",
    problems: ["unknown_segment", "invalid_request", "unavailable"],
  },
  listKeys: {
    method: "GET",
    path: "/admin/v1/keys",
    summary: "Managed keys, the newest first",
    description:
      "With the start of each key, which tells one from another. The keys themselves are nowhere.",
    permission: "keys:manage",
    problems: ["unavailable"],
  },
  makeKey: {
    method: "POST",
    path: "/admin/v1/keys",
    summary: "Make a key",
    description:
      "The answer holds the key; nobody can be told it again. It works everywhere within seconds.",
    permission: "keys:manage",
    problems: ["too_many_keys", "unavailable"],
  },
  readKey: {
    method: "GET",
    path: "/admin/v1/keys/{id}",
    summary: "What is known of a key",
    permission: "keys:manage",
    problems: ["unknown_key", "unavailable"],
  },
  rotateKey: {
    method: "POST",
    path: "/admin/v1/keys/{id}/rotate",
    summary: "Replace a key",
    description:
      "A new key of the same id. The one that there is stays good for the grace period, a day unless it is given.",
    permission: "keys:manage",
    problems: ["unknown_key", "key_not_in_force", "unavailable"],
  },
  revokeKey: {
    method: "DELETE",
    path: "/admin/v1/keys/{id}",
    summary: "Take a key away",
    description:
      "It works nowhere after some seconds, and no token that was given to it does. It stays listed.",
    permission: "keys:manage",
    problems: ["unknown_key", "unavailable"],
  },
  listDeadLetters: {
    method: "GET",
    path: "/admin/v1/dead-letters",
    summary: "Messages that no consumer took, the newest first",
    permission: "operations",
    problems: ["unavailable"],
  },
  readDeadLetter: {
    method: "GET",
    path: "/admin/v1/dead-letters/{id}",
    summary: "A dead letter and what is in it",
    description:
      "Events of a parcel, decisions, or, of what cannot be read, the bytes. Whoever an event names stands there as a hash.",
    permission: "operations",
    problems: ["unknown_dead_letter", "unavailable"],
  },
  redriveDeadLetter: {
    method: "POST",
    path: "/admin/v1/dead-letters/{id}/redrive",
    summary: "Send a dead letter back to its queue",
    description:
      "It stays listed as `redriven` for a day, and waits again if it comes back. What had been counted before counts no second time.",
    permission: "operations",
    problems: ["unknown_dead_letter", "not_redrivable", "unavailable"],
  },
  redriveDeadLetters: {
    method: "POST",
    path: "/admin/v1/dead-letters/redrive",
    summary: "Send the waiting dead letters of a queue back to it, the oldest first",
    permission: "operations",
    problems: ["unavailable"],
  },
  purgeDeadLetter: {
    method: "DELETE",
    path: "/admin/v1/dead-letters/{id}",
    summary: "Give a dead letter up",
    description:
      "Its sender is told to forget it as well. Events of a purged parcel count in no window; they stay in the event log.",
    permission: "operations",
    problems: ["unknown_dead_letter", "unavailable"],
  },
  purgeDeadLetters: {
    method: "POST",
    path: "/admin/v1/dead-letters/purge",
    summary: "Give dead letters of a queue up, the oldest first",
    permission: "operations",
    problems: ["unavailable"],
  },
  listDeadLetterActions: {
    method: "GET",
    path: "/admin/v1/dead-letter-actions",
    summary: "Who redrove and purged dead letters; the newest first",
    permission: "operations",
    problems: ["unavailable"],
  },
  listLateEvents: {
    method: "GET",
    path: "/admin/v1/late-events",
    summary: "Events past the allowed lateness, the newest first",
    description:
      "They count in no window. With how late each was, and how many there are by region.",
    permission: "operations",
    scope: "named",
    problems: ["unavailable"],
  },
  listLogWriters: {
    method: "GET",
    path: "/admin/v1/event-log",
    summary: "Who writes the event log",
    description: "A writer is one life of an outbox's storage.",
    permission: "operations",
    problems: ["unavailable"],
  },
  listSegments: {
    method: "GET",
    path: "/admin/v1/event-log/{writer}",
    summary: "Segments of a writer of the event log, in order",
    description:
      "Those that come after a sequence. Sequences begin with 1 and have no gaps; what is past its retention is missing at the front.",
    permission: "operations",
    problems: ["unavailable"],
  },
  readSegment: {
    method: "GET",
    path: "/admin/v1/event-log/{writer}/{sequence}",
    summary: "A segment of the event log",
    description: "Log records laid end to end. The same bytes each time.",
    permission: "operations",
    problems: ["unknown_segment", "invalid_request", "unavailable"],
  },
  readSigningKeys: {
    method: "GET",
    path: "/.well-known/jwks.json",
    summary: "The public keys that check signatures",
    description:
      "A JWK Set. It may be kept for five minutes; a signature by a key that is not in it is a reason to read it again.",
    permission: null,
    problems: [],
  },
  issueToken: {
    method: "POST",
    path: "/oauth/token",
    summary: "Exchange a key for an access token",
    description:
      "OAuth 2.0 client credentials (RFC 6749, 4.4): `client_id` is the id of a key, `client_secret` the key, by HTTP Basic or in " +
      "the form. `scope` narrows what the token may do. It ends after 15 minutes, or with its key.",
    permission: null,
    problems: [],
  },
  health: {
    method: "GET",
    path: "/healthz",
    summary: "Is it alive?",
    permission: null,
    problems: [],
  },
  readiness: {
    method: "GET",
    path: "/readyz",
    summary: "Do prices come from a model?",
    permission: null,
    problems: ["unavailable"],
  },
  metrics: {
    method: "GET",
    path: "/metrics",
    summary: "Metrics in the Prometheus text format",
    permission: "metrics:read",
    scope: "shared",
    problems: [],
  },
  openApi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This description",
    permission: null,
    problems: [],
  },
  docs: {
    method: "GET",
    path: "/docs",
    summary: "This description, for people",
    permission: null,
    problems: [],
  },
  problems: {
    method: "GET",
    path: "/docs/problems",
    summary: "What each problem type means",
    permission: null,
    problems: [],
  },
} as const satisfies Record<string, Operation>;

export type OperationId = keyof typeof OPERATIONS;
