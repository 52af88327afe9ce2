import { execFileSync } from "node:child_process";
import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { EventStore } from "../../../sdk/src/event-store.ts";
import { fileStore } from "../../../sdk/src/file-store.ts";
import { SHARED_STORE_CONTRACT, STORE_CONTRACT, type StorePlace } from "./store-contract.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "file-store-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const namesEnding = async (end: string) =>
  (await readdir(directory)).filter((name) => name.endsWith(end));

/** The id of a process that has ended. */
const endedPid = Number(
  execFileSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }),
);

/** A directory whose users crash: their files say that the process has ended. */
function directoryOf(fsync: boolean): StorePlace {
  const owners = new Map<EventStore, string>();
  return {
    async open() {
      const store = fileStore({ directory, fsync });
      const before = new Set(await namesEnding(".owner"));
      await store.remove([]);
      const owner = (await namesEnding(".owner")).find((name) => !before.has(name));
      if (owner === undefined) throw new Error("the store did not say that it lives");
      owners.set(store, join(directory, owner));
      return store;
    },
    crash(store) {
      const owner = owners.get(store) ?? "";
      return writeFile(owner, JSON.stringify({ pid: endedPid, host: hostname() }));
    },
  };
}

describe.each([true, false])("fileStore() with fsync %s", (fsync) => {
  // Opened one after the other, for the place tells them apart by their files.
  test.each(Object.entries({ ...STORE_CONTRACT, ...SHARED_STORE_CONTRACT }))(
    "%s",
    async (_, holds) => {
      const place = directoryOf(fsync);
      let last: Promise<unknown> = Promise.resolve();
      const open = () => {
        const opened = last.then(() => place.open());
        last = opened;
        return opened;
      };
      await holds({ ...place, open });
    },
  );
});

describe("fileStore()", () => {
  const event = (n: number) => ({ id: `e${n}`, trackedAt: n, text: `{"n":${n}}` });

  test("a line that was cut off spoils no other", async () => {
    const store = fileStore({ directory });
    await store.append([event(1), event(2)]);
    await store.close();
    const [log = ""] = await namesEnding(".log");
    await appendFile(join(directory, log), '+["e3",3,"{\\"n');
    expect(await fileStore({ directory }).adopt()).toEqual([event(1), event(2)]);
  });

  test("a store with nothing unsent leaves no file", async () => {
    const store = fileStore({ directory });
    await store.append([event(1)]);
    await store.remove([event(1).id]);
    await store.close();
    expect(await readdir(directory)).toEqual([]);
  });

  test("the file stays within what it keeps and its slack, however much goes through it", async () => {
    const store = fileStore({ directory });
    const text = JSON.stringify({ note: "x".repeat(20_000) });
    const largest = [];
    for (let n = 0; n < 300; n++) {
      await store.append([{ ...event(n), text }]);
      if (n >= 5) await store.remove([event(n - 5).id]);
      const [log = ""] = await namesEnding(".log");
      largest.push((await stat(join(directory, log))).size);
    }
    expect(Math.max(...largest)).toBeLessThan(1024 * 1024 + 3 * 6 * text.length);
    await store.close();
    expect(await fileStore({ directory }).adopt()).toHaveLength(5);
  });

  test("one that was only asleep keeps its events when another took them", async () => {
    const sleeper = fileStore({ directory });
    await sleeper.append([event(1)]);
    const [owner = ""] = await namesEnding(".owner");
    const longAgo = new Date(Date.now() - 61_000);
    await utimes(join(directory, owner), longAgo, longAgo);
    const other = fileStore({ directory });
    expect(await other.adopt()).toEqual([event(1)]);
    await sleeper.append([event(2)]);
    await other.close();
    await sleeper.close();
    const next = fileStore({ directory });
    const adopted = [...(await next.adopt()), ...(await next.adopt())];
    expect(new Set(adopted.map(({ id }) => id))).toEqual(new Set(["e1", "e2"]));
  });

  test("nobody but its user may read what is unsent", async () => {
    const store = fileStore({ directory });
    await store.append([event(1)]);
    const [log = ""] = await namesEnding(".log");
    expect((await stat(join(directory, log))).mode & 0o077).toBe(0);
    expect(await readFile(join(directory, log), "utf8")).toBe('+["e1",1,"{\\"n\\":1}"]\n');
    await store.close();
  });
});
