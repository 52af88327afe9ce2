/** What prices a product of a region over time, leaf by leaf, and where two documents differ in it. */
import { bookOf, type Period, periodAt } from "../../../domain/rule-book.ts";
import type { RulesDocument } from "../../../domain/rules.ts";
import { leavesOf } from "../../../domain/settings-leaves.ts";
import type { EpochMs } from "../../../domain/units.ts";

/** A leaf with its value before and after; undefined where it is not set. */
export interface LeafChange {
  leaf: string;
  before: unknown;
  after: unknown;
}

/** Half-open; null is open. */
export interface Stretch {
  from: EpochMs | null;
  until: EpochMs | null;
}

/** What changes for a product of a region, and when. */
export interface EffectiveChange {
  stretches: readonly Stretch[];
  /** `sold`: only the new rules price it. `dropped`: only the old ones do. */
  kind: "changed" | "sold" | "dropped";
  leaves: readonly LeafChange[];
}

/** How two documents price the product differently, each way with the times at which they do. */
export function changesFor(
  before: RulesDocument,
  after: RulesDocument,
  regionId: string,
  productType: string,
): EffectiveChange[] {
  const old = bookOf(before).timelineOf(regionId, productType);
  const now = bookOf(after).timelineOf(regionId, productType);
  if (!old && !now) return [];
  const edges = [...(old?.boundaries ?? []), ...(now?.boundaries ?? [])];
  const bounds = [null, ...[...new Set(edges)].sort((a, b) => a - b)];
  const kind = !old ? "sold" : !now ? "dropped" : "changed";
  const byLeaves = new Map<string, EffectiveChange & { stretches: Stretch[] }>();
  for (const [i, from] of bounds.entries()) {
    const until = bounds[i + 1] ?? null;
    const at = (from ?? Number.NEGATIVE_INFINITY) as EpochMs;
    const leaves = leafChanges(
      old ? leavesIn(old.periods[periodAt(old, at)], productType) : new Map(),
      now ? leavesIn(now.periods[periodAt(now, at)], productType) : new Map(),
    );
    if (leaves.length === 0) continue;
    const key = JSON.stringify(leaves);
    const change = byLeaves.get(key) ?? { stretches: [], kind, leaves };
    byLeaves.set(key, change);
    const last = change.stretches.at(-1);
    // Neighbours that differ alike are one.
    if (last && last.until === from) last.until = until;
    else change.stretches.push({ from, until });
  }
  return [...byLeaves.values()];
}

/** The settings that count in a period: of each leaf the one of the most specific layer. */
function leavesIn(period: Period | undefined, productType: string): Map<string, unknown> {
  const leaves = new Map<string, unknown>();
  for (const { settings } of period?.layers ?? []) {
    for (const [leaf, value] of leavesOf(settings)) {
      if (leaf.startsWith("products.") && !leaf.startsWith(`products.${productType}.`)) continue;
      if (!leaves.has(leaf)) leaves.set(leaf, value);
    }
  }
  return leaves;
}

/** Leaves that differ, by name. */
export function leafChanges(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): LeafChange[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((leaf) => ({ leaf, before: before.get(leaf), after: after.get(leaf) }))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after))
    .sort((a, b) => a.leaf.localeCompare(b.leaf));
}
