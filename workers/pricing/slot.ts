/** One thing that is published under versions, with a pointer to the version in force: rules, regions, the model. */
import type { Log } from "../../contract/log.ts";
import type { Metrics } from "../../contract/metrics.ts";
import type { FieldError } from "../../contract/problem.ts";
import type { POINTER } from "../../contract/store-keys.ts";
import type { Dependency } from "./dependency.ts";
import type { ConfigStore } from "./stores.ts";

export type Loaded<Value> =
  | { kind: "loaded"; value: Value }
  | { kind: "refused"; faults: FieldError[] }
  | { kind: "missing" }
  | { kind: "unavailable" };

export interface Slot<Value> {
  /** What is in force; null before anything is. */
  current(): Value | null;
  /** The version that was published last: null when none ever was, undefined while that is not known. */
  published(): string | null | undefined;
  /** The last look was not answered: what is in force may not be what was published last. */
  isUnanswered(): boolean;
  /** Reads the pointer, and what it names when that is new. What cannot be used leaves the last good one in force. */
  renew(): Promise<void>;
}

export interface SlotOptions<Value> {
  what: keyof typeof POINTER;
  /** Key of the pointer. What it holds is a version, or whatever else `load` can make something of. */
  pointer: string;
  /** In force until something else is. */
  initial: Value | null;
  load: (pointed: string) => Promise<Loaded<Value>>;
  /** Called before the new one is in force. */
  onSwap: (value: Value) => void;
}

export interface SlotPorts {
  config: ConfigStore;
  configDependency: Dependency;
  log: Log;
  metrics: Metrics;
}

export function createSlot<Value extends { version: string }>(
  { config, configDependency, log, metrics }: SlotPorts,
  { what, pointer, initial, load, onSwap }: SlotOptions<Value>,
): Slot<Value> {
  let current = initial;
  let published: string | null | undefined;
  /** What the pointer held when the current one was loaded. */
  let loadedFrom: string | null = initial?.version ?? null;
  let refused: string | null = null;
  let isUnanswered = false;
  const refusals = metrics.counter(
    "pricing_config_refused_total",
    "Published versions that could not be used.",
    { what },
  );
  metrics.gauge(
    "pricing_config_refused",
    "1 while what was published last cannot be used and the last good version stays in force.",
    () => (refused !== null && refused === published ? 1 : 0),
    { what },
  );
  const showVersion = (version: string) =>
    metrics.gauge(
      "pricing_config_info",
      "1 for the version in force, 0 for one that was before.",
      () => (current?.version === version ? 1 : 0),
      { what, version },
    );
  if (initial) showVersion(initial.version);

  async function swapTo(pointed: string): Promise<void> {
    const loaded = await load(pointed);
    // Another look, begun while this one took long, may have found what was published since.
    if (published !== pointed) return;
    const version = loaded.kind === "loaded" ? loaded.value.version : pointed.slice(0, 64);
    switch (loaded.kind) {
      case "loaded":
        onSwap(loaded.value);
        current = loaded.value;
        loadedFrom = pointed;
        refused = null;
        showVersion(version);
        return log("info", "a version came into force", { what, version });
      case "refused":
        refused = pointed;
        refusals.value += 1;
        return log("error", "a published version cannot be used; the last good one stays", {
          what,
          version,
          kept: current?.version ?? null,
          faults: JSON.stringify(loaded.faults),
        });
      case "missing":
        // Stores spread at their own pace: a pointer can be seen before what it names.
        return log("warn", "a published version is not there yet", { what, version });
      case "unavailable":
        isUnanswered = true;
        return;
    }
  }

  return {
    current: () => current,
    published: () => published,
    isUnanswered: () => isUnanswered,
    async renew() {
      const pointed = await configDependency.ask(() => config.get(pointer));
      isUnanswered = !pointed.ok;
      if (!pointed.ok) return;
      published = pointed.value?.trim() ?? null;
      if (published === null || published === loadedFrom || published === refused) return;
      await swapTo(published);
    },
  };
}
