/** Many clients, a hundred quotes, and a runtime that is killed under them: each quote is redeemed once, and audited once. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createPriceClient,
  PriceError,
  type PublicKeys,
  verifyQuote,
} from "../../sdk/src/price-client.ts";
import { freePortRange } from "../support/port-range.ts";
import { runtimeOf, until } from "../support/processes.ts";
import { shuffled } from "../support/shuffle.ts";
import { answersOk, type Stack, startStack } from "../support/stack.ts";

const QUOTES = 100;
const CLIENTS = 64;
const KILLS = 3;

let dataDir: string;
let stack: Stack;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "quotes-"));
  stack = await startStack({ port: await freePortRange(), dataDir, demo: "none", maxCrashes: 20 });
});
afterAll(async () => {
  await stack.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Rows of the edge's database, read where it lies. */
async function auditRows(): Promise<{ quote_id: string; redeemed_at: number }[]> {
  const files = await readdir(join(dataDir, "edge"), { recursive: true });
  for (const file of files.filter((name) => name.endsWith(".sqlite"))) {
    const database = new DatabaseSync(join(dataDir, "edge", file), { readOnly: true });
    try {
      const tables = database
        .prepare("SELECT name FROM sqlite_master WHERE name IN ('redemptions', 'config_changes')")
        .all();
      if (tables.length < 2) continue;
      return database.prepare("SELECT quote_id, redeemed_at FROM redemptions").all() as {
        quote_id: string;
        redeemed_at: number;
      }[];
    } finally {
      database.close();
    }
  }
  throw new Error("there is no database with redemptions");
}

test("64 clients redeem 100 quotes over kills of the runtime: one succeeds with each, and the audit has each once", async () => {
  const clientOf = () =>
    createPriceClient({
      ...{ baseUrl: stack.pricingUrl, key: stack.keys.admin },
      ...{ tryTimeoutMs: 10_000, timeoutMs: 100_000, retries: 200 },
    });
  const client = clientOf();
  const quotes = await Promise.all(
    Array.from({ length: QUOTES }, () =>
      client.quote({ region_id: "nyc-161", product_type: "standard_ride" }),
    ),
  );
  const response = await fetch(`${stack.pricingUrl}/.well-known/jwks.json`);
  const jwks = (await response.json()) as PublicKeys;

  const winners = new Map<string, Map<string, string>>();
  let refused = 0;
  let done = 0;
  const redeemAll = async (n: number) => {
    const own = clientOf();
    const key = `client-${n}`;
    for (const { quote, quote_id } of shuffled(quotes, n + 1)) {
      try {
        const { redeemed_at } = await own.redeem({ quote, idempotency_key: key });
        const ofQuote = winners.get(quote_id) ?? new Map<string, string>();
        winners.set(quote_id, ofQuote.set(key, redeemed_at));
      } catch (error) {
        if (!(error instanceof PriceError) || error.type !== "quote_redeemed") throw error;
        refused++;
      }
      done++;
    }
  };
  const kill = async () => {
    for (let i = 1; i <= KILLS; i++) {
      await until("clients are at it", 60_000, () => done >= (i * CLIENTS * QUOTES) / 8);
      process.kill(runtimeOf(stack.run.pid).pid, "SIGKILL");
      await until("prices come again", 20_000, () => answersOk(`${stack.pricingUrl}/readyz`));
    }
  };
  await Promise.all([kill(), ...Array.from({ length: CLIENTS }, (_, n) => redeemAll(n))]);

  expect(winners.size).toBe(QUOTES);
  for (const ofQuote of winners.values()) expect(ofQuote.size).toBe(1);
  expect(refused).toBe((CLIENTS - 1) * QUOTES);
  // Whoever won hears the same again; anybody checks the quote without the service.
  const [first] = quotes;
  if (!first) throw new Error("there are no quotes");
  const [[key, redeemedAt] = ["", ""]] = winners.get(first.quote_id) ?? [];
  const again = await client.redeem({ quote: first.quote, idempotency_key: key });
  expect(again.redeemed_at).toBe(redeemedAt);
  expect(await verifyQuote(first.quote, jwks)).toMatchObject({
    claims: { jti: first.quote_id, price_minor: first.price * 100 },
  });

  await until("the audit has them all", 30_000, async () => (await auditRows()).length >= QUOTES);
  await sleep(2_000);
  const rows = await auditRows();
  expect(rows.map(({ quote_id }) => quote_id).toSorted()).toEqual([...winners.keys()].toSorted());
  for (const { quote_id, redeemed_at } of rows) {
    expect([...(winners.get(quote_id)?.values() ?? [])]).toEqual([
      new Date(redeemed_at).toISOString(),
    ]);
  }
});
