import { describe, expect, it } from "vitest";
import { POINTER, regionsKey } from "../../../contract/store-keys.ts";
import { RegionDirectory } from "../../../workers/ingest/region-directory.ts";

function documentOf(...ids: string[]): string {
  const regions = ids.map((region_id) => ({
    region_id,
    name: region_id,
    timezone: "UTC",
    currency: "USD",
    product_types: ["standard_ride"],
  }));
  return JSON.stringify({ regions });
}

/** A directory over entries and a clock that the test holds. */
function directoryOver(entries: Map<string, string>) {
  let now = 0;
  let reads = 0;
  let isDown = false;
  const logged: string[] = [];
  const store = {
    get: async (key: string) => {
      reads++;
      if (isDown) throw new Error("down");
      return entries.get(key) ?? null;
    },
  };
  const directory = new RegionDirectory(
    store,
    () => now,
    (_, message) => logged.push(message),
  );
  return {
    logged,
    reads: () => reads,
    goDown: () => {
      isDown = true;
    },
    /** The ids known `afterMs` later; what is read beside the request has come when this returns. */
    async ids(afterMs = 0) {
      now += afterMs;
      const beside: Promise<void>[] = [];
      const regions = await directory.current((work) => beside.push(work));
      await Promise.all(beside);
      return regions && [...regions];
    },
  };
}

const published = (...ids: string[]) =>
  new Map([
    [POINTER.regions as string, "v1"],
    [regionsKey("v1"), documentOf(...ids)],
  ]);

describe("RegionDirectory", () => {
  it("reads once, and again beside a request after ten seconds", async () => {
    const entries = published("a");
    const directory = directoryOver(entries);
    expect(await directory.ids()).toEqual(["a"]);
    expect(await directory.ids(9_000)).toEqual(["a"]);
    expect(directory.reads()).toBe(2);
    entries.set(regionsKey("v2"), documentOf("a", "b"));
    entries.set(POINTER.regions, "v2");
    expect(await directory.ids(2_000)).toEqual(["a"]);
    expect(await directory.ids()).toEqual(["a", "b"]);
    // The version is the same, so the document is not read again.
    await directory.ids(11_000);
    expect(directory.reads()).toBe(5);
  });

  it("keeps the last good list through broken publications and failing reads, and says so in the log", async () => {
    const entries = published("a");
    const directory = directoryOver(entries);
    await directory.ids();
    entries.set(POINTER.regions, "v2");
    expect(await directory.ids(11_000)).toEqual(["a"]);
    entries.set(regionsKey("v2"), '{"regions": []}');
    expect(await directory.ids(11_000)).toEqual(["a"]);
    entries.set(regionsKey("v2"), "no JSON");
    expect(await directory.ids(11_000)).toEqual(["a"]);
    directory.goDown();
    expect(await directory.ids(11_000)).toEqual(["a"]);
    expect(directory.logged).toHaveLength(4);
  });

  it("knows nothing until something is published, and then at once", async () => {
    const entries = new Map<string, string>();
    const directory = directoryOver(entries);
    expect(await directory.ids()).toBeNull();
    for (const [key, value] of published("a")) entries.set(key, value);
    expect(await directory.ids()).toEqual(["a"]);
  });
});
