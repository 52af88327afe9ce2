/** An experiment from its document to what it did: priced by variants, exposed once, joined with bookings, judged. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventInput } from "../../contract/events.ts";
import type { PriceAnswer } from "../../contract/pricing.ts";
import { DAY_MS } from "../../domain/units.ts";
import { uniformAt } from "../../origin/training/seeded-random.ts";
import { postEvents } from "../support/edge-requests.ts";
import { freePortRange } from "../support/port-range.ts";
import { until } from "../support/processes.ts";
import { type Stack, startStack } from "../support/stack.ts";

const ROOT = join(import.meta.dirname, "../..");
const REGION = "nyc-161";
const PRODUCT = "standard_ride";
const USERS = 1_600;
const BATCH = 200;
/** Of users who book after they saw a price; the dearer price keeps a third of them from it. */
const BOOKS = { control: 0.6, dearer: 0.4 } as const;
type VariantName = keyof typeof BOOKS;

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ port: await freePortRange() });
});
afterAll(() => stack.stop());

async function admin(
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${stack.pricingUrl}/admin/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${stack.keys.admin}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** Publishes the rules in force with a base price of 20, and then those in force again: a version to try. */
async function publishDearerRules(): Promise<string> {
  const { document } = await admin("GET", "rules");
  const dearer = structuredClone(document) as {
    rules: { products?: Record<string, { base_price?: number }> }[];
  };
  for (const { products } of dearer.rules)
    if (products?.[PRODUCT]) products[PRODUCT].base_price = 20;
  const { version } = await admin("PUT", "rules", dearer);
  await admin("PUT", "rules", document);
  return String(version);
}

async function pricesFor(users: readonly string[]): Promise<PriceAnswer[]> {
  const items = users.map((user_id) => ({ region_id: REGION, product_type: PRODUCT, user_id }));
  const response = await fetch(`${stack.pricingUrl}/api/v1/pricing/batch`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.keys.admin}`, "content-type": "application/json" },
    body: JSON.stringify({ items }),
  });
  const answer = (await response.json()) as { items: PriceAnswer[] };
  return answer.items;
}

function booking(
  user: string,
  key: string,
  at: number,
  metadata: Record<string, unknown>,
): EventInput {
  return {
    ...{ event_type: "booking", region_id: REGION, product_type: PRODUCT, user_id: user },
    ...{ timestamp: new Date(at).toISOString(), idempotency_key: `${user}-${key}`, metadata },
  };
}

interface Report {
  users: number;
  variants: { name: string; users: number; conversion: number }[];
  sample_ratio: { mismatch: boolean };
  comparisons: {
    metric: string;
    lift: number;
    lift_interval: { low: number; high: number };
    sequential_p_value: number;
    cuped: { lift: number; sequential_p_value: number; variance_reduction: number } | null;
  }[];
  unpriced_bookings: number;
}

/** Runs the command and reads its JSON. */
function analyse(): Promise<Report> {
  const command = ["origin/index.ts", "--data-dir", stack.dataDir, "--edge-url", stack.pricingUrl];
  const asked = ["experiments", "analyse", "--experiment", "exp_dearer"];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [...command, "--json", ...asked],
      { cwd: ROOT },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${stdout}${stderr}`, { cause: error }));
        else resolve(JSON.parse(stdout) as Report);
      },
    );
  });
}

test("an effect that was planted is found, among users who are split as the weights say", async () => {
  const dearer = await publishDearerRules();
  await admin("PUT", "experiments", {
    experiments: [
      {
        ...{ id: "exp_dearer", salt: "dearer-1", status: "stopped", traffic: 0.9 },
        for: { regions: [REGION], products: [PRODUCT] },
        variants: [{ name: "control" }, { name: "dearer", rules_version: dearer }],
      },
    ],
  });
  await admin("POST", "experiments/exp_dearer/start");

  const users = Array.from({ length: USERS }, (_, n) => `u-${n}`);
  // Half of them book now and then: what they did before says something of what they do after.
  const isRegular = (n: number) => uniformAt(1, 0, n) < 0.5;
  const twoDaysAgo = Date.now() - 2 * DAY_MS;
  const before = users.flatMap((user, n) =>
    isRegular(n) ? [booking(user, "before", twoDaysAgo, { price: 12 })] : [],
  );
  for (let i = 0; i < before.length; i += 500) await postEvents(stack, before.slice(i, i + 500));

  const told = new Map<string, PriceAnswer>();
  for (let i = 0; i < USERS; i += BATCH) {
    const some = users.slice(i, i + BATCH);
    for (const [j, price] of (await pricesFor(some)).entries()) told.set(some[j] ?? "", price);
  }
  const exposed = [...told].filter(([, { experiment }]) => experiment !== null);
  expect(exposed.length).toBeGreaterThan(0.85 * USERS);
  for (const [, { experiment, base_price, disclosure }] of exposed) {
    expect(base_price).toBe(experiment?.variant === "dearer" ? 20 : 12);
    expect(disclosure.personal_data_used).toBe(true);
  }

  const after = users.flatMap((user, n) => {
    const price = told.get(user);
    const variant = (price?.experiment?.variant ?? "control") as VariantName;
    const books = BOOKS[variant] + (isRegular(n) ? 0.3 : -0.3);
    if (uniformAt(2, 0, n) >= books) return [];
    return [booking(user, "after", Date.now(), { request_id: price?.request_id })];
  });
  for (let i = 0; i < after.length; i += 500) await postEvents(stack, after.slice(i, i + 500));
  const bookers = new Set(after.map(({ user_id }) => user_id));
  const booked = exposed.filter(([user]) => bookers.has(user)).length;

  let report: Report | undefined;
  await until("every exposure and every booking is analysed", 90_000, async () => {
    report = await analyse();
    const counted = report.variants.reduce((sum, one) => sum + one.users * one.conversion, 0);
    return report.users === exposed.length && Math.round(counted) === booked;
  });
  if (!report) throw new Error("no report");
  expect(report.sample_ratio.mismatch).toBe(false);
  expect(report.unpriced_bookings).toBe(0);
  const { conversion, revenue } = Object.fromEntries(
    report.comparisons.map((one) => [one.metric, one]),
  );
  // A third fewer book; the price is two thirds higher.
  expect(conversion?.lift_interval.low).toBeLessThan(-1 / 3);
  expect(conversion?.lift_interval.high).toBeGreaterThan(-1 / 3);
  expect(conversion?.sequential_p_value).toBeLessThan(0.001);
  expect(conversion?.cuped?.variance_reduction).toBeGreaterThan(0.2);
  expect(conversion?.cuped?.sequential_p_value).toBeLessThan(0.001);
  expect(revenue?.lift).toBeGreaterThan(-0.1);
  expect(revenue?.lift).toBeLessThan(0.4);

  await admin("POST", "experiments/exp_dearer/stop");
  const [price] = await pricesFor([exposed[0]?.[0] ?? ""]);
  expect(price?.experiment).toBeNull();
});
