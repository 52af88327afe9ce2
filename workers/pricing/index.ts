/** The pricing Worker: bindings, clock and randomness become ports here, and nowhere else. */
import { drizzle } from "drizzle-orm/d1";
import { corsFrom } from "../../contract/cors.ts";
import type { LimitLedgerRpc } from "../../contract/limit-ledger.ts";
import { globalLimitFrom } from "../../contract/limit-policy.ts";
import { consoleLog } from "../../contract/log.ts";
import { personHashesFrom } from "../../contract/person-hashes.ts";
import type { QuoteLedgerRpc } from "../../contract/quote-ledger.ts";
import type {
  OutboxRpc,
  RegionLateRpc,
  RegionReplayRpc,
  RegionWindowRpc,
} from "../../contract/rpc.ts";
import { type SigningKeys, signingKeysFrom } from "../../contract/signing-keys.ts";
import { hexSource } from "../../contract/trace.ts";
import { DAY_MS, epochMs } from "../../domain/units.ts";
import { createPricing, type Pricing } from "./app.ts";
import { type ConsumerMetrics, type ConsumerPorts, consume } from "./consumers.ts";
import { segmentStoreFrom } from "./decisions/segment-store.ts";
import { type DependencyFaults, dependencyFaultsFrom } from "./dependency-faults.ts";
import { eventLogStoreFrom } from "./event-log-store.ts";
import { keepHouse } from "./housekeeping.ts";
import { QuoteLedgerObject } from "./quotes/quote-ledger.ts";
import { appendRedemptions } from "./quotes/redemption-store.ts";
import type { ConfigStore, LocationCache } from "./stores.ts";

/** FAULTS is bound by test runs of the local stack only, so no wrangler.toml declares it. */
type Env = PricingEnv & { FAULTS?: string };

const wallNow = () => epochMs(Date.now());
const log = consoleLog("pricing", wallNow);

/** Caches, sessions and counters belong to the isolate, so there is one of these in each. */
let pricing: Pricing | undefined;
let signingKeys: Promise<SigningKeys> | undefined;
let faults: DependencyFaults | null | undefined;

function configOf(env: PricingEnv): ConfigStore {
  return {
    get: (key) => env.CONFIG.get(key),
    put: (key, value) => env.CONFIG.put(key, value),
  };
}

function pricingOf(env: Env): Pricing {
  faults ??= dependencyFaultsFrom(env.FAULTS);
  if (faults === null) return pricingOn(env, locationCache());
  const { on, over, control } = faults;
  const made = pricingOn(on(env), over("cache", locationCache()));
  const forget = () => {
    pricing = undefined;
  };
  return {
    ...made,
    fetch: (request, context) => control(request, forget) ?? made.fetch(request, context),
  };
}

function pricingOn(env: PricingEnv, cache: LocationCache): Pricing {
  return createPricing({
    regionWindows: (regionId) => env.REGIONS.getByName(regionId) as unknown as RegionWindowRpc,
    regionReplays: (regionId) => env.REGIONS.getByName(regionId) as unknown as RegionReplayRpc,
    config: configOf(env),
    locationCache: cache,
    modelStore: {
      async get(key) {
        const object = await env.MODELS.get(key);
        return object && new Uint8Array(await object.arrayBuffer());
      },
      async put(key, bytes) {
        await env.MODELS.put(key, bytes);
      },
    },
    database: drizzle(env.DB),
    decisionSegments: segmentStoreFrom(env.EVENT_LOG),
    decisionQueue: {
      async send(messages) {
        await env.DECISIONS.sendBatch(
          messages.map((body) => ({ body, contentType: "text" as const })),
        );
      },
    },
    eventLog: eventLogStoreFrom(env.EVENT_LOG),
    sourceQueues: { events: env.EVENTS, "late-events": env.LATE, decisions: env.DECISIONS },
    senders: {
      outbox: (name) => env.OUTBOX.getByName(name) as unknown as OutboxRpc,
      region: (regionId) => env.REGIONS.getByName(regionId) as unknown as RegionLateRpc,
    },
    ingest: env.INGEST,
    access: {
      apiKeys: env.API_KEYS,
      jwtIssuers: env.JWT_ISSUERS,
      fetch: (uri, init) => fetch(uri, init),
    },
    limits: {
      ledger: {
        of: (object) => env.LIMITS.getByName(object) as unknown as LimitLedgerRpc,
        newHolder: hexSource(8, (bytes) => crypto.getRandomValues(bytes)),
        log,
      },
      globalLimit: globalLimitFrom(env.GLOBAL_REQUESTS_PER_S),
    },
    personHashes: personHashesFrom(env.USER_HASH_KEY),
    cors: corsFrom(env.CORS_ALLOWED_ORIGINS),
    signingKeys: () => {
      signingKeys ??= signingKeysFrom(env.SIGNING_KEYS);
      return signingKeys;
    },
    quoteLedgers: (name) => env.QUOTES.getByName(name) as unknown as QuoteLedgerRpc,
    wallNow,
    fillRandom: (bytes) => crypto.getRandomValues(bytes),
    log,
  });
}

export class QuoteLedger extends QuoteLedgerObject {
  constructor(state: DurableObjectState, env: PricingEnv) {
    const database = drizzle(env.DB);
    super(state, env, {
      record: (redemptions) => appendRedemptions(database, redemptions),
      ...{ wallNow, log },
    });
  }
}

/** The cache that isolates of one location share; its keys are addresses, which nobody serves. */
function locationCache(): LocationCache {
  const addressOf = (key: string) => `https://pricing.internal/${key}`;
  return {
    async get(key) {
      const found = await caches.default.match(addressOf(key));
      return found === undefined ? null : found.text();
    },
    async put(key, value, livesS) {
      const headers = { "cache-control": `max-age=${livesS}` };
      await caches.default.put(addressOf(key), new Response(value, { headers }));
    },
  };
}

/** A variable that holds a number of days, as milliseconds. Throws on anything else: nothing is deleted by half a rule. */
function daysMsOf(name: string, text: string): number {
  const days = Number(text);
  if (Number.isFinite(days) && days > 0) return days * DAY_MS;
  throw new TypeError(`${name} is "${text}", not a number of days`);
}

/** What consumers work with: bindings come with each batch, counters belong to the isolate. */
function consumerPorts(env: PricingEnv, metrics: ConsumerMetrics): ConsumerPorts {
  return {
    database: drizzle(env.DB),
    segments: segmentStoreFrom(env.EVENT_LOG),
    regions: (regionId) => env.REGIONS.getByName(regionId) as unknown as RegionLateRpc,
    setAside: (message) => env.DEAD_LETTERS.send(message, { contentType: "v8" }),
    ...{ wallNow, log, metrics },
  };
}

export default {
  fetch(request, env, context) {
    pricing ??= pricingOf(env);
    return pricing.fetch(request, context);
  },

  /** Decisions on their way to the log, late events, dead letters. */
  queue({ queue, messages }, env) {
    pricing ??= pricingOf(env);
    return consume(queue, messages, consumerPorts(env, pricing.consumerMetrics));
  },

  /** Housekeeping, once an hour. */
  async scheduled(_controller, env) {
    pricing ??= pricingOf(env);
    await keepHouse(
      {
        database: drizzle(env.DB),
        config: configOf(env),
        segments: segmentStoreFrom(env.EVENT_LOG),
        decisionsKeptMs: daysMsOf("DECISIONS_RETENTION_DAYS", env.DECISIONS_RETENTION_DAYS),
        eventLog: eventLogStoreFrom(env.EVENT_LOG),
        segmentsKeptMs: daysMsOf("EVENT_LOG_RETENTION_DAYS", env.EVENT_LOG_RETENTION_DAYS),
        metrics: pricing.consumerMetrics.deadLetters,
      },
      wallNow(),
    );
  },
} satisfies ExportedHandler<Env>;
