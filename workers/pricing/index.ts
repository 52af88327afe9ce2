/** The pricing Worker: bindings, clock and randomness become ports here, and nowhere else. */
import { drizzle } from "drizzle-orm/d1";
import { authenticatorFrom, parseApiKeys } from "../../contract/access.ts";
import { consoleLog, messageOf } from "../../contract/log.ts";
import type { RegionWindowRpc } from "../../contract/rpc.ts";
import { DAY_MS, epochMs } from "../../domain/units.ts";
import { createPricing, type Pricing } from "./app.ts";
import { appendDecisions, type EdgeDatabase, forgetDecisionsBefore } from "./decision-store.ts";

const DECISIONS_KEPT_MS = 30 * DAY_MS;
/** A message that cannot be written comes again after this long, a hundred times. */
const RETRY_AFTER_S = 30;

const wallNow = () => epochMs(Date.now());
const log = consoleLog("pricing", wallNow);

/** Caches, sessions and counters belong to the isolate, so there is one of these in each. */
let pricing: Pricing | undefined;

function pricingOf(env: PricingEnv): Pricing {
  return createPricing({
    regionWindows: (regionId) => env.REGIONS.getByName(regionId) as unknown as RegionWindowRpc,
    config: {
      get: (key) => env.CONFIG.get(key),
      put: (key, value) => env.CONFIG.put(key, value),
    },
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
    decisionQueue: {
      async send(messages) {
        await env.DECISIONS.sendBatch(
          messages.map((body) => ({ body, contentType: "text" as const })),
        );
      },
    },
    ingest: env.INGEST,
    authenticate: authenticatorFrom(parseApiKeys(env.API_KEYS)),
    wallNow,
    fillRandom: (bytes) => crypto.getRandomValues(bytes),
    log,
  });
}

/** The messages that could not be written. One that spoils a batch must not keep the others from the log. */
async function writeDecisions(
  database: EdgeDatabase,
  messages: readonly Message[],
): Promise<readonly Message[]> {
  try {
    await appendDecisions(
      database,
      messages.map(({ body }) => String(body)),
    );
    return [];
  } catch (error) {
    log("warn", "decisions could not be logged", {
      messages: messages.length,
      error: messageOf(error),
    });
    if (messages.length <= 1) return messages;
    const alone = await Promise.all(messages.map((message) => writeDecisions(database, [message])));
    return alone.flat();
  }
}

export default {
  fetch(request, env, context) {
    pricing ??= pricingOf(env);
    return pricing.fetch(request, context);
  },

  /** Decisions on their way to the log. */
  async queue(batch, env) {
    const unwritten = await writeDecisions(drizzle(env.DB), batch.messages);
    for (const message of unwritten) message.retry({ delaySeconds: RETRY_AFTER_S });
  },

  /** Housekeeping, once an hour. */
  async scheduled(_controller, env) {
    await forgetDecisionsBefore(drizzle(env.DB), wallNow() - DECISIONS_KEPT_MS);
  },
} satisfies ExportedHandler<PricingEnv>;
