import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parseApiKeys } from "../../contract/api-keys.ts";
import { eventTimeAt } from "../../contract/clock.ts";
import { DeployedKeys } from "../../contract/deployed-keys.ts";
import { parseSigningKeys } from "../../contract/signing-jwk.ts";
import { apiKeysSecret, loadCredentials } from "../../local/credentials.ts";
import { type DataDir, dataDirFrom, openDataDir } from "../../local/data-dir.ts";
import { lockDataDir } from "../../local/data-dir-lock.ts";
import { keepClockSaved, loadDemoClock } from "../../local/demo-clock.ts";

let root: string;
let dataDir: DataDir;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "data-dir-"));
  dataDir = dataDirFrom(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe("openDataDir()", () => {
  test("remembers the demo, and refuses another with what to do about it", async () => {
    expect(await openDataDir(root, dataDir, "nyc")).toBeNull();
    expect(await openDataDir(root, dataDir, "nyc")).toBeNull();
    expect(await openDataDir(root, dataDir, "none")).toContain("Start with --demo nyc");
  });

  test("says in a sentence that a file is no folder", async () => {
    const file = join(root, "file");
    await writeFile(file, "");
    expect(await openDataDir(file, dataDirFrom(file), "none")).toContain("cannot be a data dir");
  });
});

describe("lockDataDir()", () => {
  test("is held once at a time, and free after its release", () => {
    const first = lockDataDir(dataDir.lock);
    expect(lockDataDir(dataDir.lock)).toBeNull();
    first?.release();
    const second = lockDataDir(dataDir.lock);
    expect(second).not.toBeNull();
    second?.release();
  });

  test("is free again when the process that held it was killed", async () => {
    const module = pathToFileURL(join(import.meta.dirname, "../../local/data-dir-lock.ts")).href;
    const script = `import { lockDataDir } from ${JSON.stringify(module)};
      lockDataDir(${JSON.stringify(dataDir.lock)}); console.log("held"); setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ["--input-type=module-typescript", "-e", script]);
    await once(holder.stdout, "data");
    expect(lockDataDir(dataDir.lock)).toBeNull();
    holder.kill("SIGKILL");
    await once(holder, "exit");
    const lock = lockDataDir(dataDir.lock);
    expect(lock).not.toBeNull();
    lock?.release();
  });
});

describe("loadCredentials()", () => {
  test("makes keys once, readable by their owner alone, that open what their role may", async () => {
    const made = await loadCredentials(dataDir);
    expect(await loadCredentials(dataDir)).toEqual(made);
    expect((await stat(dataDir.credentials)).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir.userHashKey)).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir.signingKeys)).mode & 0o777).toBe(0o600);
    expect(parseSigningKeys(made.signingKeys)).toHaveLength(1);
    expect(await readFile(dataDir.credentials, "utf8")).not.toContain(made.userHashKey);

    const secret = apiKeysSecret(made.keys);
    const keys = new DeployedKeys(parseApiKeys(secret));
    for (const role of ["admin", "pricing", "ingest", "public"] as const) {
      expect(secret).not.toContain(made.keys[role]);
      expect(keys.ofHeader(`Bearer ${made.keys[role]}`)?.roles).toEqual([role]);
    }
    expect(keys.ofHeader("Bearer key_of_someone_else")).toBeNull();
  });

  test("gives a data dir of an earlier version the keys it lacks, and leaves the others", async () => {
    const old = {
      admin: "an-old-admin-key",
      pricing: "an-old-pricing-key",
      ingest: "an-old-ingest-key",
    };
    await writeFile(dataDir.credentials, JSON.stringify(old), { mode: 0o600 });
    const { keys } = await loadCredentials(dataDir);
    expect(keys).toEqual({ ...old, public: expect.stringMatching(/^key_/) });
    expect((await stat(dataDir.credentials)).mode & 0o777).toBe(0o600);
    expect((await loadCredentials(dataDir)).keys).toEqual(keys);
  });

  test("does not replace a file it cannot read", async () => {
    await writeFile(dataDir.credentials, "{");
    await expect(loadCredentials(dataDir)).rejects.toThrow();
    expect(await readFile(dataDir.credentials, "utf8")).toBe("{");
  });
});

describe("the demo's clock", () => {
  const WALL = 1_800_000_000_000;
  const noError = (error: unknown) => {
    throw error;
  };

  test("begins on Monday 19 May 2014, 16:00 New York", async () => {
    const clock = await loadDemoClock(dataDir.clock, 60, WALL);
    expect(new Date(eventTimeAt(clock, WALL)).toISOString()).toBe("2014-05-19T20:00:00.000Z");
    expect(eventTimeAt(clock, WALL + 1_000) - eventTimeAt(clock, WALL)).toBe(60_000);
  });

  test("carries on from exactly where it was stopped", async () => {
    const clock = await loadDemoClock(dataDir.clock, 60, WALL);
    const saver = keepClockSaved(dataDir.clock, clock, () => WALL + 5_000, noError);
    await saver.stop();
    const next = await loadDemoClock(dataDir.clock, 1, WALL + 900_000);
    expect(eventTimeAt(next, WALL + 900_000)).toBe(eventTimeAt(clock, WALL + 5_000));
  });

  test("is never behind after a kill: what is saved lies ahead of what was read", async () => {
    const clock = await loadDemoClock(dataDir.clock, 60, WALL);
    let wallNow = WALL;
    const saver = keepClockSaved(dataDir.clock, clock, () => wallNow, noError);
    await expect.poll(() => readFile(dataDir.clock, "utf8").catch(() => "")).not.toBe("");
    // As if killed here, a little more than a second after the save.
    wallNow = WALL + 1_200;
    const afterKill = await loadDemoClock(dataDir.clock, 60, wallNow);
    expect(eventTimeAt(afterKill, wallNow)).toBeGreaterThanOrEqual(eventTimeAt(clock, wallNow));
    await saver.stop();
  });
});
