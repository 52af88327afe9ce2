/** What was done to the layers of a document, whatever comes of it. */
import type { Layer, RulesDocument } from "../../../domain/rules.ts";
import { leavesOf } from "../../../domain/settings-leaves.ts";
import { type LeafChange, leafChanges } from "./effective-settings.ts";

export interface LayerChange {
  layer: string;
  kind: "added" | "removed" | "changed";
  leaves: readonly LeafChange[];
}

/** Layers are told apart by name, in the order of the new document, then those that are gone. */
export function layerChanges(before: RulesDocument, after: RulesDocument): LayerChange[] {
  const old = new Map(before.layers.map((layer) => [layer.name, layer]));
  const names = new Set(after.layers.map(({ name }) => name));
  const kept = after.layers.flatMap((layer): LayerChange[] => {
    const earlier = old.get(layer.name);
    const leaves = leafChanges(earlier ? allOf(earlier) : new Map(), allOf(layer));
    if (leaves.length === 0) return [];
    return [{ layer: layer.name, kind: earlier ? "changed" : "added", leaves }];
  });
  const gone = before.layers
    .filter(({ name }) => !names.has(name))
    .map((layer): LayerChange => {
      return { layer: layer.name, kind: "removed", leaves: leafChanges(allOf(layer), new Map()) };
    });
  return [...kept, ...gone];
}

/** Settings and scope alike. */
function allOf({ scope, from, until, priority, settings }: Layer): Map<string, unknown> {
  const leaves = leavesOf(settings);
  const put = (path: string, value: unknown) => {
    if (value !== null) leaves.set(path, value);
  };
  put("for.regions", scope.regions);
  put("for.groups", scope.groups);
  put("for.products", scope.products);
  put("effective.from", from === null ? null : new Date(from).toISOString());
  put("effective.until", until === null ? null : new Date(until).toISOString());
  put("priority", priority === 0 ? null : priority);
  return leaves;
}
