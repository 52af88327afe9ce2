/** What `npm start` promises about processes, ports and data, whatever ends it. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readDemand } from "../support/edge-requests.ts";
import { freePortRange, portsFrom } from "../support/port-range.ts";
import { descendantsOf, heldPorts, stillAlive, until } from "../support/processes.ts";
import {
  answersOk,
  argumentsFrom,
  runStart,
  type StackRun,
  stackRunFrom,
  startStack,
} from "../support/stack.ts";

const READY_LIMIT_MS = 15_000;
const GONE_LIMIT_MS = 2_000;
const REGION = "nyc-161";

let dataDir: string;
let port: number;
const runs: StackRun[] = [];

// What a first start of a checkout builds is no part of what is measured here.
beforeAll(() => {
  execFileSync(process.execPath, ["local/stack/build.ts"], { stdio: "ignore" });
});
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "start-stop-"));
  port = await freePortRange();
});
afterEach(async () => {
  for (const run of runs.splice(0)) {
    if (run.process.exitCode === null && run.process.signalCode === null) {
      run.process.kill("SIGTERM");
      await run.ended;
    }
  }
  await rm(dataDir, { recursive: true, force: true });
});

/** The processes of a run, itself included. */
const familyOf = (pid: number) => [pid, ...descendantsOf(pid).map((row) => row.pid)];

async function untilNothingIsLeft(family: readonly number[], limitMs = GONE_LIMIT_MS) {
  await until("every process gone, every port free", limitMs, async () => {
    return stillAlive(family).length === 0 && (await heldPorts(portsFrom(port))).length === 0;
  });
}

describe("a start on an empty data dir", () => {
  test("is ready within 15 s, prints a command that prices, and leaves nothing on SIGTERM", async () => {
    const stack = await startStack({ port, dataDir, demo: "nyc" });
    runs.push(stack.run);
    expect(stack.readyAfterMs).toBeLessThan(READY_LIMIT_MS);

    await until("the command is printed", 5_000, () => stack.run.output().includes("curl "));
    const command = /^ *(curl .*)$/m.exec(stack.run.output())?.[1] ?? "";
    const answer = JSON.parse(execFileSync("sh", ["-c", command], { encoding: "utf8" }));
    expect(answer).toMatchObject({ currency: "USD", source: "model" });
    expect(answer.price).toBeGreaterThan(0);

    const family = familyOf(stack.run.pid);
    expect(family.length).toBeGreaterThanOrEqual(5);
    expect(await stack.stop()).toBe(0);
    await untilNothingIsLeft(family, 500);
  });

  test("makes keys that only their owner can read, and does not print them", async () => {
    const stack = await startStack({ port, dataDir });
    runs.push(stack.run);
    const { mode } = await stat(join(dataDir, "credentials.json"));
    expect(mode & 0o777).toBe(0o600);
    for (const key of Object.values(stack.keys)) {
      expect(stack.run.output()).not.toContain(key);
      for (const log of ["stack", "origin"]) {
        expect(await readFile(join(dataDir, `logs/${log}.log`), "utf8")).not.toContain(key);
      }
    }
  });
});

describe("a start on existing data", () => {
  test("carries on: same keys, same totals, a clock that is not behind, without the origin", async () => {
    const first = await startStack({ port, dataDir, demo: "nyc", speed: 120 });
    runs.push(first.run);
    await until("the feed's first bookings", 30_000, async () => {
      return (await readDemand(first, REGION)).totals.booking > 0;
    });
    const before = await readDemand(first, REGION);
    await first.stop();

    const second = await startStack({ port, dataDir, demo: "nyc", speed: 1, origin: false });
    runs.push(second.run);
    expect(second.keys).toEqual(first.keys);
    const after = await readDemand(second, REGION);
    expect(Date.parse(after.as_of)).toBeGreaterThanOrEqual(Date.parse(before.as_of));
    expect(Date.parse(after.as_of)).toBeLessThan(Date.parse(before.as_of) + 30 * 60_000);
    expect(after.totals.booking).toBeGreaterThanOrEqual(before.totals.booking);
    expect(await answersOk(`${second.originUrl}/healthz`)).toBe(false);
    expect(second.readyAfterMs).toBeLessThan(READY_LIMIT_MS);
  });

  test("is refused for another demo than the data is of", async () => {
    const first = await startStack({ port, dataDir });
    runs.push(first.run);
    await first.stop();
    const other = runStart(argumentsFrom({ port, dataDir, demo: "nyc" }));
    expect(await other.ended).toBe(1);
    expect(other.output()).toContain("was made with --demo none");
  });
});

describe("a second start", () => {
  test("on a taken port, or on the same data dir, says so and ends with 1", async () => {
    const stack = await startStack({ port, dataDir });
    runs.push(stack.run);

    const samePort = runStart(argumentsFrom({ port: port + 1, dataDir: join(dataDir, "other") }));
    expect(await samePort.ended).toBe(1);
    expect(samePort.output()).toContain(`Port ${port + 1} is taken`);

    const sameData = runStart(argumentsFrom({ port: await freePortRange(), dataDir }));
    expect(await sameData.ended).toBe(1);
    expect(sameData.output()).toContain(`${dataDir} is in use`);
    expect(await answersOk(`${stack.pricingUrl}/readyz`)).toBe(true);
  });
});

describe("a killed supervisor", () => {
  test("takes everything along within 2 s, and its data dir can be started on at once", async () => {
    const stack = await startStack({ port, dataDir, demo: "nyc" });
    runs.push(stack.run);
    const family = familyOf(stack.run.pid);
    process.kill(stack.run.pid, "SIGKILL");
    const again = runStart(argumentsFrom({ port, dataDir, demo: "nyc" }));
    runs.push(again);
    await until("the first family is gone", GONE_LIMIT_MS, () => stillAlive(family).length === 0);
    await until("the second is ready", READY_LIMIT_MS, () => {
      return answersOk(`http://127.0.0.1:${port}/readyz`);
    });
  });
});

describe("npm start", () => {
  const startByNpm = () => {
    const args = ["start", "--", ...argumentsFrom({ port, dataDir })];
    const child = spawn("npm", args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    const run = stackRunFrom(child);
    runs.push(run);
    return run;
  };

  test.each([
    { how: "SIGTERM to npm", signal: "SIGTERM", toGroup: false },
    { how: "Ctrl-C, which is SIGINT to the whole group", signal: "SIGINT", toGroup: true },
    { how: "SIGKILL to npm, which it cannot pass on", signal: "SIGKILL", toGroup: false },
    { how: "SIGKILL to the whole group", signal: "SIGKILL", toGroup: true },
  ] as const)("leaves nothing after $how", async ({ signal, toGroup }) => {
    const run = startByNpm();
    await until("ready", 2 * READY_LIMIT_MS, () => answersOk(`http://127.0.0.1:${port}/readyz`));
    const family = familyOf(run.pid);
    process.kill(toGroup ? -run.pid : run.pid, signal);
    await run.ended;
    await untilNothingIsLeft(family);
  });
});
