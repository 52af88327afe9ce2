/** What the local stack does when a part of it ends by itself. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readDemand } from "../support/edge-requests.ts";
import { freePortRange, portsFrom } from "../support/port-range.ts";
import { descendantsOf, heldPorts, runtimeOf, stillAlive, until } from "../support/processes.ts";
import { answersOk, type Stack, startStack } from "../support/stack.ts";

const REGION = "nyc-161";
const BACK_LIMIT_MS = 2_000;

const childOf = (stack: Stack, script: string) => {
  const child = descendantsOf(stack.run.pid).find(({ command }) => command.includes(script));
  if (!child) throw new Error(`${script} does not run`);
  return child;
};

describe("a running stack", () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ port: await freePortRange(), demo: "nyc" });
  });
  afterAll(() => stack.stop());

  test("serves again within 2 s of a killed runtime, with everything it had counted", async () => {
    await until("bookings", 30_000, async () => {
      return (await readDemand(stack, REGION)).totals.booking > 0;
    });
    const before = await readDemand(stack, REGION);
    const killed = runtimeOf(stack.run.pid).pid;
    process.kill(killed, "SIGKILL");
    await until("the runtime is gone", BACK_LIMIT_MS, () => stillAlive([killed]).length === 0);
    await until("prices come again", BACK_LIMIT_MS, () => answersOk(`${stack.pricingUrl}/readyz`));
    const after = await readDemand(stack, REGION);
    expect(after.totals.booking).toBeGreaterThanOrEqual(before.totals.booking);
    expect(Date.parse(after.as_of)).toBeGreaterThan(Date.parse(before.as_of));
    expect(stack.run.output()).toContain("workerd ended (SIGKILL)");
  });

  test.each([
    { name: "stack", script: "local/stack/index.ts" },
    { name: "origin", script: "origin/index.ts" },
    { name: "feed", script: "local/feed/index.ts" },
  ])("starts a killed $name again, on the same ports", async ({ name, script }) => {
    const killed = childOf(stack, script).pid;
    process.kill(killed, "SIGKILL");
    await until("another one runs", 5_000, () => {
      const pids = descendantsOf(stack.run.pid).filter(({ command }) => command.includes(script));
      return pids.some(({ pid }) => pid !== killed);
    });
    await until("everything answers", 10_000, async () => {
      return (
        (await answersOk(`${stack.pricingUrl}/readyz`)) &&
        (await answersOk(`${stack.originUrl}/readyz`))
      );
    });
    expect(stack.run.output()).toContain(`${name} ended (SIGKILL)`);
  });
});

test("five crashes within a minute stop everything with exit code 1", async () => {
  const stack = await startStack({ port: await freePortRange() });
  const family = descendantsOf(stack.run.pid).map(({ pid }) => pid);
  for (let crash = 1; crash <= 5; crash++) {
    await until("the runtime serves", 10_000, () => answersOk(`${stack.pricingUrl}/healthz`));
    const { pid } = runtimeOf(stack.run.pid);
    process.kill(pid, "SIGKILL");
    await until("it is gone", 2_000, () => stillAlive([pid]).length === 0);
  }
  expect(await stack.run.ended).toBe(1);
  expect(stack.run.output()).toContain("5 crashes within a minute");
  await until("nothing is left", 2_000, async () => {
    return stillAlive(family).length === 0 && (await heldPorts(portsFrom(stack.port))).length === 0;
  });
  await stack.stop();
});
