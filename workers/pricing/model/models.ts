/**
 * The models this isolate keeps warm: those that are named by what is in force, and the ones used last.
 *
 * A session is a few megabytes of a heap that never shrinks, so there are never more than a few: room is made before another is built.
 */
import type { Log } from "../../../contract/log.ts";
import type { Metrics } from "../../../contract/metrics.ts";
import { modelCardKey, modelKey } from "../../../contract/store-keys.ts";
import type { ModelVersion } from "../../../domain/units.ts";
import type { Dependency } from "../dependency.ts";
import { until } from "../single-flight.ts";
import type { Loaded } from "../slot.ts";
import type { ModelStore } from "../stores.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";

/** The one that prices and the two before it, or two that are tried beside it. */
export const MAX_PINNED = 3;
/** One more, so that an old decision can be explained while three are pinned. */
export const MAX_LOADED = MAX_PINNED + 1;
const LONGEST_BUILD_MS = 5_000;
/** More are not built between two questions of one request. */
const MAX_TURNS = 8;

export interface Models {
  /** The model of a version, from memory or from the store. */
  load(version: ModelVersion): Promise<Loaded<LoadedModel>>;
  /** The model of a version if it is warm, at no cost. */
  warm(version: ModelVersion): LoadedModel | null;
  /** Keeps these versions, the most important first, in place of those that `owner` named before. */
  pin(owner: string, versions: readonly ModelVersion[]): void;
}

export interface ModelsPorts {
  store: ModelStore;
  dependency: Dependency;
  log: Log;
  metrics: Metrics;
}

export function createModels({ store, dependency, log, metrics }: ModelsPorts): Models {
  /** The least recently used first. */
  const loaded = new Map<ModelVersion, LoadedModel>();
  const pins = new Map<string, readonly ModelVersion[]>();
  /** The version that is being built; builds come one after the other. */
  let building: ModelVersion | null = null;
  metrics.gauge("pricing_models_warm", "Models in memory.", () => loaded.size);
  const evictions = metrics.counter("pricing_models_evicted_total", "Models that made room.");

  function touch(version: ModelVersion): LoadedModel | null {
    const known = loaded.get(version);
    if (!known) return null;
    loaded.delete(version);
    loaded.set(version, known);
    return known;
  }

  /** Those that stay whatever comes. First come those who pinned first: what is in force. */
  function pinned(): ReadonlySet<ModelVersion> {
    return new Set([...new Set([...pins.values()].flat())].slice(0, MAX_PINNED));
  }

  function makeRoom(): void {
    const staying = pinned();
    for (const [version, model] of loaded) {
      if (loaded.size < MAX_LOADED) return;
      if (staying.has(version)) continue;
      loaded.delete(version);
      model.release();
      evictions.value += 1;
    }
  }

  async function build(
    version: ModelVersion,
    onnx: Uint8Array<ArrayBuffer>,
    card: Uint8Array,
  ): Promise<Loaded<LoadedModel>> {
    building = version;
    try {
      makeRoom();
      const model = await loadModel(onnx, new TextDecoder().decode(card));
      if (Array.isArray(model)) return { kind: "refused", faults: model };
      loaded.set(version, model);
      log("info", "model loaded", { version });
      return { kind: "loaded", value: model };
    } finally {
      building = null;
    }
  }

  return {
    warm: touch,
    async load(version) {
      const known = touch(version);
      if (known) return { kind: "loaded", value: known };
      const answer = await dependency.ask(() =>
        Promise.all([store.get(modelKey(version)), store.get(modelCardKey(version))]),
      );
      if (!answer.ok) return { kind: "unavailable" };
      const [onnx, card] = answer.value;
      if (!onnx || !card) return { kind: "missing" };
      // Another request may be building it, or another: sessions are built one at a time.
      for (let turn = 0; turn < MAX_TURNS; turn++) {
        await until(() => building === null, LONGEST_BUILD_MS);
        const raced = touch(version);
        if (raced) return { kind: "loaded", value: raced };
        if (building === null) return build(version, onnx, card);
      }
      return { kind: "unavailable" };
    },
    pin(owner, versions) {
      pins.set(owner, versions);
    },
  };
}
