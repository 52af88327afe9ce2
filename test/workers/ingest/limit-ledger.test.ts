/** Several isolates on the real ledger: each limiter here is what one isolate has. */
import { evictDurableObject, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { Principal } from "../../../contract/access.ts";
import { hashOfKey } from "../../../contract/api-keys.ts";
import { DeployedKeys } from "../../../contract/deployed-keys.ts";
import type { LimitLedgerRpc } from "../../../contract/limit-ledger.ts";
import { globalLimitFrom, type RequestLimit } from "../../../contract/limit-policy.ts";
import { Limiter } from "../../../contract/limiter.ts";
import { createMetrics } from "../../../contract/metrics.ts";

const keys = new DeployedKeys([
  {
    id: "key_web1",
    role: "public",
    sha256: hashOfKey("web"),
    limits: { per_user: { requests_per_minute: 1_200, burst: 40 } },
  },
]);
const PER_SECOND = 20;
const BURST = 40;

function principal(): Principal {
  const found = keys.find("web");
  if (!found) throw new Error("the key is not known");
  return found;
}

let background: Promise<unknown>[] = [];
const context = { waitUntil: (work: Promise<unknown>) => void background.push(work) };
/** Done once nothing goes on beside requests. */
async function settled(): Promise<void> {
  while (background.length > 0) await Promise.all(background.splice(0));
}

interface Isolate {
  limiter: Limiter;
  metric(name: string): number;
}

function isolate(
  options: {
    creditShare?: number;
    globalLimit?: RequestLimit | null;
    of?: (object: string) => LimitLedgerRpc;
  } = {},
): Isolate {
  const metrics = createMetrics();
  const limiter = new Limiter({
    ...{ service: "pricing", wallNow: Date.now, metrics },
    globalLimit: options.globalLimit ?? null,
    ledger: {
      of: options.of ?? ((object) => env.LIMITS.getByName(object)),
      newHolder: () => crypto.randomUUID(),
      log: () => undefined,
    },
    ...(options.creditShare === undefined ? {} : { creditShare: options.creditShare }),
  });
  const metric = (name: string) => {
    const line = metrics
      .text()
      .split("\n")
      .find((one) => one.startsWith(`${name} `));
    return Number(line?.slice(name.length) ?? Number.NaN);
  };
  return { limiter, metric };
}

const ask = async ({ limiter }: Isolate, user: string) =>
  (await limiter.charge(principal(), user, undefined, context)) === "allowed";

/** Clients that ask again as soon as they have an answer, each at one isolate after the other. */
async function hammer(isolates: readonly Isolate[], clients: number, ms: number): Promise<number> {
  const until = Date.now() + ms;
  let allowed = 0;
  const client = async (turn: number) => {
    for (let i = turn; Date.now() < until; i++) {
      const at = isolates[i % isolates.length];
      if (at && (await ask(at, "u-1"))) allowed++;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, turn) => client(turn)));
  return allowed;
}

beforeEach(async () => {
  background = [];
  await reset();
});

describe("isolates with one ledger", () => {
  it.each([1, 4, 16])("%i of them give 64 clients of one user its rate together", async (count) => {
    const isolates = Array.from({ length: count }, () => isolate());
    const ms = 6_000;
    const allowed = await hammer(isolates, 64, ms);
    // Also of many isolates, where credit alone is more than the burst: what it gave is taken off.
    const expected = BURST + (PER_SECOND * ms) / 1_000;
    expect(Math.abs(allowed - expected)).toBeLessThanOrEqual(0.05 * expected);
    await settled();
  });

  it("give a burst once, not once each", async () => {
    const isolates = Array.from({ length: 4 }, () => isolate({ creditShare: 0 }));
    const startedAt = Date.now();
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) => ask(isolates[i % 4] ?? isolate(), "u-1")),
    );
    const refilled = Math.ceil(((Date.now() - startedAt) * PER_SECOND) / 1_000);
    const allowed = results.filter(Boolean).length;
    expect(allowed).toBeGreaterThanOrEqual(BURST);
    expect(allowed).toBeLessThanOrEqual(BURST + refilled);
    await settled();
  });

  it("ask nobody for users who ask for little", async () => {
    const one = isolate({
      of: () => {
        throw new Error("nobody was to be asked");
      },
    });
    for (let i = 0; i < 1_000; i++) expect(await ask(one, `u-${i % 500}`)).toBe(true);
    await settled();
    expect(one.metric("limits_ledger_failures_total")).toBe(0);
  });

  it("make next to no calls for a server's key, however much it asks for", async () => {
    const found = new DeployedKeys([
      {
        id: "key_server1",
        role: "pricing",
        sha256: hashOfKey("server"),
        requests_per_minute: null,
      },
    ]).find("server");
    if (!found) throw new Error("the key is not known");
    let calls = 0;
    const one = isolate({
      globalLimit: globalLimitFrom("50000"),
      of: (object) => {
        calls++;
        return env.LIMITS.getByName(object);
      },
    });
    const none = new Headers();
    for (let i = 0; i < 40_000; i++) {
      const verdict = one.limiter.admit(found, none, context);
      expect(verdict).toBe("allowed");
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await settled();
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThan(60);
  });

  it("have what an idle one was leased, a second later", async () => {
    const [idle, other] = [isolate({ creditShare: 0 }), isolate({ creditShare: 0 })];
    // Asking twice as fast as before each time makes a lease grow beyond what is asked for.
    for (let i = 0; i < 8; i++) expect(await ask(idle, "u-1")).toBe(true);
    await settled();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const results = await Promise.all(Array.from({ length: 60 }, () => ask(other, "u-1")));
    expect(results.filter(Boolean).length).toBeGreaterThanOrEqual(BURST);
    await settled();
  });

  it("count for themselves while the ledger does not answer, and say so", async () => {
    const one = isolate({ of: () => ({ settle: () => Promise.reject(new Error("down")) }) });
    const results = await Promise.all(Array.from({ length: 100 }, () => ask(one, "u-1")));
    const allowed = results.filter(Boolean).length;
    // Its own bucket, and what it had on credit before it asked.
    expect(allowed).toBeGreaterThanOrEqual(BURST);
    expect(allowed).toBeLessThanOrEqual(BURST + BURST / 8 + 2);
    expect(one.metric("limits_ledger_failures_total")).toBeGreaterThan(0);
    expect(one.metric('limits_refused_total{policy="user"}')).toBe(100 - allowed);
    await settled();
  });

  it("do without one that hangs, after a second", async () => {
    const one = isolate({
      creditShare: 0,
      of: () => ({ settle: () => new Promise(() => undefined) }),
    });
    const startedAt = Date.now();
    expect(await ask(one, "u-1")).toBe(true);
    expect(Date.now() - startedAt).toBeLessThan(1_500);
    const again = Date.now();
    expect(await ask(one, "u-2")).toBe(true);
    expect(Date.now() - again).toBeLessThan(200);
    await settled();
  });
});

describe("LimitLedger", () => {
  const bucket = (name: string, burst = 10) => ({
    ...{ bucket: name, requestsPerMinute: 60, burst, held: 0, returned: 0, spent: 0, ahead: 0 },
    needed: 1,
  });

  it("answers asks in their order, and forgets buckets that are full again", async () => {
    const ledger = env.LIMITS.getByName("user-0");
    const grants = await ledger.settle("a", [bucket("x"), { ...bucket("y"), needed: 20 }]);
    expect(grants).toEqual([
      { granted: 1, level: 9, waitMs: 0 },
      { granted: 10, level: 0, waitMs: 1_000 },
    ]);
    for (let i = 0; i < 10; i++) {
      const names = Array.from({ length: 1_000 }, (_, n) => bucket(`full-${i}-${n}`));
      await ledger.settle(
        "a",
        names.map((ask) => ({ ...ask, needed: 0 })),
      );
    }
    expect(await ledger.size()).toBeLessThanOrEqual(1_500);
    expect(await ledger.settle("a", [bucket("y")])).toMatchObject([{ granted: 0 }]);
  });

  it("is bounded when buckets are not full, and forgets those that are fullest", async () => {
    const ledger = env.LIMITS.getByName("user-1");
    await ledger.settle("a", [{ ...bucket("empty"), needed: 10 }]);
    for (let i = 0; i < 12; i++) {
      await ledger.settle(
        "a",
        Array.from({ length: 1_000 }, (_, n) => bucket(`user-${i}-${n}`)),
      );
    }
    expect(await ledger.size()).toBeLessThanOrEqual(6_000);
    expect(await ledger.settle("a", [bucket("empty")])).toMatchObject([{ granted: 0 }]);
  });

  it("begins anew after an eviction: a burst is then had once more, and nothing is stored", async () => {
    const ledger = env.LIMITS.getByName("user-2");
    await ledger.settle("a", [{ ...bucket("x"), needed: 10 }]);
    await evictDurableObject(ledger);
    expect(await ledger.settle("a", [{ ...bucket("x"), needed: 20 }])).toMatchObject([
      { granted: 10 },
    ]);
  });
});
