/** Which models are warm, with real sessions of the shipped graph. */
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createMetrics } from "../../../contract/metrics.ts";
import { modelVersionOf } from "../../../contract/model.ts";
import { modelCardKey, modelKey } from "../../../contract/store-keys.ts";
import type { ModelVersion } from "../../../domain/units.ts";
import { createDependency } from "../../../workers/pricing/dependency.ts";
import { createModels, MAX_LOADED, type Models } from "../../../workers/pricing/model/models.ts";
import { startOrt } from "../../../workers/pricing/onnx/runtime.ts";
import { FakeRegion } from "./fake-region.ts";
import { SHIPPED_CARD, shippedOnnx } from "./shipped-model.ts";

interface Artefact {
  version: ModelVersion;
  onnx: Uint8Array<ArrayBuffer>;
  card: Uint8Array<ArrayBuffer>;
}

/** Field 6 of a graph's file, its description: another file, so another version, of the same trees. */
const DESCRIPTION_TAG = 0x32;

function artefactFrom(shipped: Uint8Array, n: number): Artefact {
  const onnx = new Uint8Array([...shipped, DESCRIPTION_TAG, 1, 0x41 + n]);
  const version = modelVersionOf(onnx);
  const card = new TextEncoder().encode(JSON.stringify({ ...SHIPPED_CARD, version }));
  return { version, onnx, card: new Uint8Array(card) };
}

const snapshot = new FakeRegion("nyc-161" as never, () => 1_000).tick();
let artefacts: Artefact[];
beforeAll(async () => {
  const shipped = await shippedOnnx();
  artefacts = Array.from({ length: 6 }, (_, n) => artefactFrom(shipped, n));
});

let reads: string[];
let models: Models;
beforeEach(() => {
  reads = [];
  const objects = new Map(
    artefacts.flatMap(({ version, onnx, card }) => [
      [modelKey(version), onnx] as const,
      [modelCardKey(version), card] as const,
    ]),
  );
  const metrics = createMetrics();
  const log = () => undefined;
  models = createModels({
    store: {
      get: async (key) => {
        reads.push(key);
        return objects.get(key) ?? null;
      },
      put: async () => undefined,
    },
    dependency: createDependency({ name: "r2", limitMs: 5_000, wallNow: Date.now, log, metrics }),
    ...{ log, metrics },
  });
});

const versionOf = (n: number) => artefacts[n]?.version as ModelVersion;
async function load(n: number) {
  const loaded = await models.load(versionOf(n));
  if (loaded.kind !== "loaded") throw new Error(loaded.kind);
  return loaded.value;
}
const warm = () => artefacts.filter(({ version }) => models.warm(version)).length;

describe("warm models", () => {
  it("are read once, and answer from memory then", async () => {
    const first = await load(0);
    expect(await load(0)).toBe(first);
    expect(models.warm(versionOf(0))).toBe(first);
    expect(reads).toHaveLength(2);
  });

  it("are the last used, and those that are pinned whatever is used", async () => {
    models.pin("in force", [versionOf(0)]);
    models.pin("experiments", [versionOf(1), versionOf(2)]);
    for (let n = 0; n < 6; n++) await load(n);
    for (let n = 0; n < 3; n++) expect(models.warm(versionOf(n))?.version).toBe(versionOf(n));
    expect(warm()).toBe(MAX_LOADED);
    // The one that prices and the one it takes over from are both warm.
    models.pin("experiments", []);
    models.pin("in force", [versionOf(5)]);
    await load(4);
    expect([models.warm(versionOf(4)), models.warm(versionOf(5))]).not.toContain(null);
  });

  it("are never more than a few, however many are pinned", async () => {
    models.pin("in force", [versionOf(0)]);
    models.pin("experiments", [1, 2, 3, 4, 5].map(versionOf));
    for (const n of [0, 1, 2, 3, 4, 5]) await load(n);
    expect(warm()).toBe(MAX_LOADED);
    expect(models.warm(versionOf(0))).not.toBeNull();
  });

  it("give their memory back when they go: thirty versions in turn need no more than the first few", async () => {
    for (let n = 0; n < 6; n++) await load(n);
    const ort = await startOrt();
    const before = ort.HEAPU8.byteLength;
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 6; n++) (await load(n)).forecast(snapshot);
    }
    expect(ort.HEAPU8.byteLength).toBe(before);
    // An isolate has 128 MB; the runtime itself begins with 16.
    expect(before).toBeLessThan(64 * 2 ** 20);
  });

  it("are built once, one after the other, when many want them at once", async () => {
    const wanted = [0, 1, 0, 1, 2, 0].map(load);
    const got = await Promise.all(wanted);
    expect(got[2]).toBe(got[0]);
    expect(got[5]).toBe(got[0]);
    expect(got[3]).toBe(got[1]);
    expect(warm()).toBe(3);
  });

  it("say so when they are asked after they went, instead of reading another's memory", async () => {
    const first = await load(0);
    for (let n = 1; n < 6; n++) await load(n);
    expect(() => first.forecast(snapshot)).toThrow("was released");
  });

  it("agree with each other, being the same trees", async () => {
    const [one, other] = [await load(0), await load(1)];
    expect(one.forecast(snapshot).points).toEqual(other.forecast(snapshot).points);
  });
});
