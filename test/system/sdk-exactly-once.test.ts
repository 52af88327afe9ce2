/** Through the SDK, over a network that loses requests and answers, with clients that are killed: every event counts once. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { DemandAnswer } from "../../contract/regions.ts";
import type { TrackedEvent } from "../../sdk/src/tracked-event.ts";
import { readDemand } from "../support/edge-requests.ts";
import { type LossyProxy, startLossyProxy } from "../support/lossy-proxy.ts";
import { freePortRange } from "../support/port-range.ts";
import { until } from "../support/processes.ts";
import type { SdkCommand, SdkReport } from "../support/sdk-client.ts";
import { type Stack, startStack } from "../support/stack.ts";

const SEED = 20260111;
const EVENTS_PER_ROUND = 1_500;
const ROUNDS = 4;
const REGIONS = [161, 234, 231, 237].map((zone) => `nyc-${zone}`);
const TYPES = ["booking", "search", "view", "cancellation"] as const;
const CLIENT = join(import.meta.dirname, "../support/sdk-client.ts");

let stack: Stack;
let proxy: LossyProxy;
let directory: string;
const clients: ChildProcess[] = [];
beforeAll(async () => {
  stack = await startStack({ port: await freePortRange() });
  proxy = await startLossyProxy(stack.ingestUrl, SEED);
  directory = await mkdtemp(join(tmpdir(), "unsent-events-"));
});
afterEach(() => {
  for (const client of clients.splice(0)) client.kill("SIGKILL");
});
afterAll(async () => {
  proxy.close();
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

function startClient(given: Record<string, string> = {}): ChildProcess {
  const env = {
    ...process.env,
    ENDPOINT: `${proxy.url}/api/v1/events`,
    KEY: stack.keys.ingest,
    DIRECTORY: directory,
    ...given,
  };
  const client = fork(CLIENT, [], { env });
  clients.push(client);
  return client;
}

async function tell(client: ChildProcess, command: SdkCommand): Promise<SdkReport> {
  const answered = once(client, "message");
  client.send(command);
  const [report] = await answered;
  return report;
}

/** The next round's events; the SDK gives them their keys. */
function eventsOf(round: number): TrackedEvent[] {
  return Array.from({ length: EVENTS_PER_ROUND }, (_, i): TrackedEvent => {
    const n = round * EVENTS_PER_ROUND + i;
    return {
      event_type: TYPES[n % TYPES.length] ?? "view",
      region_id: REGIONS[Math.floor(n / TYPES.length) % REGIONS.length] ?? "",
      user_id: `u-${n % 97}`,
    };
  });
}

async function kill(client: ChildProcess): Promise<void> {
  const exited = once(client, "exit");
  client.kill("SIGKILL");
  await exited;
}

function sumOf({ late: _, duplicates: __, ...byType }: DemandAnswer["totals"]): number {
  return Object.values(byType).reduce((sum, count) => sum + count, 0);
}

test("6,000 events over a network that loses answers, from clients that are killed, count once each", async () => {
  const adopted: number[] = [];
  const unsent: number[] = [];
  // Killed twice with events unsent and requests under way: what was stored is the next client's.
  for (const round of [0, 1]) {
    const client = startClient();
    const { stored } = await tell(client, { kind: "track", events: eventsOf(round) });
    expect(stored).toBe(true);
    await sleep(700);
    const { stats } = await tell(client, { kind: "stats" });
    adopted.push(stats.adopted);
    unsent.push(stats.queued);
    await kill(client);
  }
  // Closed before it was done.
  const closing = startClient();
  await tell(closing, { kind: "track", events: eventsOf(2) });
  const { stats: closed } = await tell(closing, { kind: "close", timeoutMs: 300 });
  adopted.push(closed.adopted);
  unsent.push(closed.queued);
  expect(closed.dropped.closed).toBe(0);
  // Two at once on one directory, one of them compressing.
  const [one, other] = [startClient(), startClient({ GZIP: "yes" })];
  const last = eventsOf(3);
  await Promise.all([
    tell(one, { kind: "track", events: last.slice(0, EVENTS_PER_ROUND / 2) }),
    tell(other, { kind: "track", events: last.slice(EVENTS_PER_ROUND / 2) }),
  ]);
  const ends = await Promise.all(
    [one, other].map((client) => tell(client, { kind: "flush", timeoutMs: 90_000 })),
  );
  adopted.push(ends.reduce((sum, { stats }) => sum + stats.adopted, 0));

  // Otherwise the kills, the restarts and the losses hit nothing, and this shows nothing.
  const [first, ...later] = adopted;
  expect(first).toBe(0);
  for (const count of [...unsent, ...later]) expect(count).toBeGreaterThan(0);
  expect(proxy.met.answerLost + proxy.met.answerCut).toBeGreaterThan(5);
  for (const { stats, errors } of ends) {
    // The service reads compressed bodies: the queue did not have to stop sending them.
    expect(errors.join()).not.toMatch(/gzip/);
    expect(stats).toMatchObject({ queued: 0, rejected: 0, storeFailures: 0 });
    expect(Object.values(stats.dropped)).toEqual([0, 0, 0, 0]);
  }

  const expected = EVENTS_PER_ROUND * ROUNDS;
  const demand = () => Promise.all(REGIONS.map((region) => readDemand(stack, region)));
  await until("everything accepted is counted", 30_000, async () => {
    const counted = (await demand()).map(({ totals }) => sumOf(totals));
    return counted.reduce((sum, count) => sum + count, 0) >= expected;
  });
  // Whatever is delivered once more arrives now.
  await sleep(2_000);
  const perType = expected / REGIONS.length / TYPES.length;
  let duplicates = 0;
  for (const { totals } of await demand()) {
    const { duplicates: repeated, ...counts } = totals;
    const each = Object.fromEntries(TYPES.map((type) => [type, perType]));
    expect(counts).toEqual({ ...each, late: 0 });
    duplicates += repeated;
  }
  // Answers that were lost had been processed: their events came again, and did not count again.
  expect(duplicates).toBeGreaterThan(0);

  await Promise.all([one, other].map((client) => tell(client, { kind: "close", timeoutMs: 0 })));
  expect(await readdir(directory)).toEqual([]);
});

test("what is over its user's limit goes again until all of it is counted, and keeps no other user waiting", async () => {
  const region_id = "nyc-79";
  const ENDPOINT = `${stack.ingestUrl}/api/v1/events`;
  const client = startClient({ ENDPOINT, KEY: stack.keys.public });
  const viewsOf = (user_id: string, count: number) =>
    Array.from({ length: count }, (): TrackedEvent => ({ event_type: "view", region_id, user_id }));
  // A public key's users may each send 100 at once, and then 1,000 a minute.
  await tell(client, { kind: "track", events: [...viewsOf("eager", 250), ...viewsOf("calm", 5)] });
  const { stats, errors } = await tell(client, { kind: "flush", timeoutMs: 60_000 });
  expect(stats).toMatchObject({ accepted: 255, rejected: 0, queued: 0 });
  // More than the seven requests that 255 events need without limits: the limit was met.
  expect(stats.requests, errors.join()).toBeGreaterThan(7);
  await until("all of it is counted", 20_000, async () => {
    return (await readDemand(stack, region_id)).totals.view === 255;
  });
  await tell(client, { kind: "close", timeoutMs: 0 });
});
