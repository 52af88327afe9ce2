/** The models this isolate has loaded: the one that prices, and a few more that explanations ask for. */
import type { Log } from "../../../contract/log.ts";
import { modelCardKey, modelKey } from "../../../contract/store-keys.ts";
import type { ModelVersion } from "../../../domain/units.ts";
import type { Dependency } from "../dependency.ts";
import type { Loaded } from "../slot.ts";
import type { ModelStore } from "../stores.ts";
import { type LoadedModel, loadModel } from "./load-model.ts";

/** A session is a few megabytes of a heap that never shrinks. */
const MAX_LOADED = 3;

export interface Models {
  /** The model of a version, from memory or from the store. */
  load(version: ModelVersion): Promise<Loaded<LoadedModel>>;
  /** Keeps this version, whatever else is loaded. */
  pin(version: ModelVersion): void;
}

export function createModels(store: ModelStore, dependency: Dependency, log: Log): Models {
  /** The least recently used first. */
  const loaded = new Map<ModelVersion, LoadedModel>();
  let pinned: ModelVersion | null = null;

  function keep(model: LoadedModel): void {
    loaded.delete(model.version);
    loaded.set(model.version, model);
    for (const [version, candidate] of loaded) {
      if (loaded.size <= MAX_LOADED) break;
      if (version === pinned || version === model.version) continue;
      loaded.delete(version);
      candidate.release();
    }
  }

  return {
    async load(version) {
      const known = loaded.get(version);
      if (known) {
        keep(known);
        return { kind: "loaded", value: known };
      }
      const answer = await dependency.ask(() =>
        Promise.all([store.get(modelKey(version)), store.get(modelCardKey(version))]),
      );
      if (!answer.ok) return { kind: "unavailable" };
      const [onnx, card] = answer.value;
      if (!onnx || !card) return { kind: "missing" };
      const model = await loadModel(onnx, new TextDecoder().decode(card));
      if (Array.isArray(model)) return { kind: "refused", faults: model };
      const raced = loaded.get(version);
      if (raced) {
        // Two requests loaded it at once.
        model.release();
        return { kind: "loaded", value: raced };
      }
      keep(model);
      log("info", "model loaded", { version });
      return { kind: "loaded", value: model };
    },
    pin(version) {
      pinned = version;
    },
  };
}
