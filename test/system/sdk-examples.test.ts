/** The examples of the SDK, run as they stand, on the SDK as it is published. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auxiliaryWorkers } from "../support/auxiliary-workers.ts";
import { buildSdk } from "../support/build-sdk.ts";
import { readDemand } from "../support/edge-requests.ts";
import { freePortRange } from "../support/port-range.ts";
import { until } from "../support/processes.ts";
import { type Stack, startStack } from "../support/stack.ts";

const EXAMPLES = join(import.meta.dirname, "../../sdk/examples");
const NOBODY_LISTENS = "http://127.0.0.1:9/api/v1/events";
const run = promisify(execFile);

let stack: Stack;
let directory: string;
beforeAll(async () => {
  buildSdk();
  stack = await startStack({ port: await freePortRange() });
  directory = await mkdtemp(join(tmpdir(), "sdk-examples-"));
});
afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

const eventsUrl = () => `${stack.ingestUrl}/api/v1/events`;

test("the Node example keeps what it cannot send, sends it at its next start, and each booking counts once", async () => {
  const queueDirectory = join(directory, "unsent-events");
  const main = async (url: string) => {
    const env = { INGEST_URL: url, INGEST_KEY: stack.keys.ingest, QUEUE_DIRECTORY: queueDirectory };
    const { stdout } = await run(process.execPath, [join(EXAMPLES, "node/main.js"), "nyc-161"], {
      env: { ...process.env, ...env },
    });
    return stdout.trim();
  };
  expect(await main(NOBODY_LISTENS)).toBe("0 accepted, 4 left for the next start");
  expect(await main(eventsUrl())).toBe("8 accepted, 0 left for the next start");
  expect(await readdir(queueDirectory)).toEqual([]);
  await until("it is counted", 10_000, async () => {
    const { totals } = await readDemand(stack, "nyc-161");
    return totals.booking + totals.duplicates === 4 && totals.search === 2;
  });
  expect((await readDemand(stack, "nyc-161")).totals).toMatchObject({ booking: 1, duplicates: 3 });
});

test("the Worker example keeps what it cannot send, over a restart, and sends it when it can", async () => {
  process.env.INGEST_KEY = stack.keys.ingest;
  const [worker] = await auxiliaryWorkers([join(EXAMPLES, "worker/wrangler.toml")]);
  if (!worker) throw new Error("the Worker example was not built");
  const start = async (url: string) => {
    const bindings = { INGEST_URL: url, INGEST_KEY: stack.keys.ingest };
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        cf: false,
        telemetry: { enabled: false },
        resourcePersistencePath: join(directory, "worker"),
        workers: [{ ...worker, bindings }],
      }),
    );
    await miniflare.ready;
    return miniflare;
  };
  const search = async (miniflare: Miniflare) => {
    const response = await miniflare.dispatchFetch("http://collector/searches/nyc-234", {
      method: "POST",
    });
    expect(response.status).toBe(202);
    expect(await response.json()).toMatchObject({ idempotency_key: expect.any(String) });
  };
  const offline = await start(NOBODY_LISTENS);
  for (let n = 0; n < 5; n++) await search(offline);
  await offline.dispose();
  const online = await start(eventsUrl());
  try {
    await search(online);
    await until("all six searches are counted", 30_000, async () => {
      return (await readDemand(stack, "nyc-234")).totals.search === 6;
    });
  } finally {
    await online.dispose();
  }
});
