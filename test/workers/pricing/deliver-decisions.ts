import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { loggedDecisionsIn } from "../../../contract/decision-log.ts";
import { appendDecisions } from "../../../workers/pricing/decision-store.ts";
import { segmentStoreFrom } from "../../../workers/pricing/decisions/segment-store.ts";

/** Writes messages of the queue `decisions` into the test's decision log, as one batch, as its consumer does. */
export function deliverDecisions(messages: readonly string[], now = Date.now()): Promise<void> {
  const stores = { database: drizzle(env.DB), segments: segmentStoreFrom(env.EVENT_LOG) };
  const records = messages.flatMap((text) => loggedDecisionsIn(text) ?? []);
  return appendDecisions(stores, records, now);
}
