/** Puts the keys in force where every Worker reads them. */
import { setTimeout as sleep } from "node:timers/promises";
import { KEYS_DOCUMENT } from "../../../contract/managed-keys.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import type { ConfigStore } from "../stores.ts";
import { keysInForce, newestKeyChange } from "./key-store.ts";

/** KV takes a write of the same key once a second. */
const BETWEEN_WRITES_MS = 1_100;
const MAX_ROUNDS = 5;

/**
 * Writes the document anew from the record. Whoever finds afterwards that others changed a key meanwhile writes it once more, so that of
 * two who publish at once the last to finish has the changes of both. Throws when a store does not answer.
 */
export async function publishKeys(
  database: EdgeDatabase,
  config: Pick<ConfigStore, "put">,
  wallNow: () => number,
): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (round > 0) await sleep(BETWEEN_WRITES_MS);
    const document = await keysInForce(database, wallNow());
    await config.put(KEYS_DOCUMENT, JSON.stringify(document));
    if ((await newestKeyChange(database)) === document.revision) return;
  }
}

/** Once an hour: repairs a document whose writer did not get to it, and takes out keys that are past their time. */
export async function republishKeys(
  database: EdgeDatabase,
  config: ConfigStore,
  wallNow: () => number,
): Promise<void> {
  const document = await keysInForce(database, wallNow());
  const published = await config.get(KEYS_DOCUMENT);
  const isPristine = published === null && document.revision === 0;
  if (!isPristine && published !== JSON.stringify(document))
    await publishKeys(database, config, wallNow);
}
