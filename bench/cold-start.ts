/** From nothing running to the first price, on data that was published before. */
import { setTimeout as sleep } from "node:timers/promises";
import { argumentsFrom, runStart } from "../test/support/stack.ts";

export interface ColdStart {
  /** From the start of the command to the first 200, whatever its source. */
  firstPriceMs: number;
  firstSource: string;
  /** To the first price with source "model". */
  firstModelPriceMs: number;
}

const LIMIT_MS = 60_000;

/** Starts the whole local stack on `dataDir`, asks for one price over and over, and stops it again. */
export async function benchColdStart(
  port: number,
  dataDir: string,
  key: string,
  region: string,
): Promise<ColdStart> {
  const startedAt = performance.now();
  const run = runStart(argumentsFrom({ port, dataDir, demo: "none", origin: false }));
  try {
    const first = await untilPriced(port, key, region, startedAt, () => true);
    const model = await untilPriced(port, key, region, startedAt, (source) => source === "model");
    return {
      firstPriceMs: first.afterMs,
      firstSource: first.source,
      firstModelPriceMs: model.afterMs,
    };
  } finally {
    run.process.kill("SIGTERM");
    await run.ended;
  }
}

async function untilPriced(
  port: number,
  key: string,
  region_id: string,
  startedAt: number,
  isWanted: (source: string) => boolean,
): Promise<{ afterMs: number; source: string }> {
  const body = JSON.stringify({ region_id, product_type: "standard_ride" });
  while (performance.now() - startedAt < LIMIT_MS) {
    const answer = await ask(`http://127.0.0.1:${port}/api/v1/pricing/compute`, key, body);
    if (answer && isWanted(answer.source)) {
      return { afterMs: performance.now() - startedAt, source: answer.source };
    }
    await sleep(5);
  }
  throw new Error(`no such price within ${LIMIT_MS / 1_000} s`);
}

/** The price, or null while nobody answers. */
async function ask(url: string, key: string, body: string): Promise<{ source: string } | null> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };
  try {
    const response = await fetch(url, { method: "POST", headers, body });
    const text = await response.text();
    return response.ok ? JSON.parse(text) : null;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
