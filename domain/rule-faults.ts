/**
 * What is wrong with a rules document beyond its shape: names that lead nowhere, layers that contradict each other, products that
 * cannot be priced. A document with faults is refused wherever it is read; what is merely of no effect is a warning for its author.
 */
import type { PlanFault } from "./price-plan.ts";
import type { Region } from "./region.ts";
import { bookOf, type Period, type RuleBook, ranksOf } from "./rule-book.ts";
import type { Layer, RulesDocument } from "./rules.ts";
import { leavesOf } from "./settings-leaves.ts";

/** Why rules cannot be used, with the place in the document. */
export interface RulesFault {
  /** `rules[2].constraints.max_multiplier`, as the document has it. */
  path: string;
  reason:
    | PlanFault["reason"]
    | "conflict"
    | "unknown_group"
    | "dates_reversed"
    | "no_products"
    | "same_name"
    | "range_reversed"
    | "unpriced_product"
    | "other_currency";
  detail: string;
}

/** A layer that changes nothing anywhere. */
export interface RulesWarning {
  path: string;
  reason: "unreachable" | "over";
  detail: string;
}

/** A place by which all places are spoken for to which the same layers apply. */
const ELSEWHERE = "";

/** What makes a document unusable. Costs layers x products x places that differ in their layers. */
export function faultsOf(document: RulesDocument): RulesFault[] {
  const faults = faultsOfLayers(document);
  if (faults.length > 0) return faults;
  if (productsOf(document).length === 0) {
    return [{ path: "rules", reason: "no_products", detail: "no layer prices a product" }];
  }
  const seen = new Map<string, RulesFault>();
  for (const { place, product, periods } of timelinesOf(document)) {
    for (const period of periods) {
      for (const fault of [...conflictsIn(document, period), ...planFaultsIn(document, period)]) {
        const where = place === ELSEWHERE ? "" : ` for ${place}`;
        const key = `${fault.path} ${fault.reason}`;
        if (!seen.has(key))
          seen.set(key, { ...fault, detail: `${fault.detail} (${product}${where})` });
      }
    }
  }
  return [...seen.values()];
}

/** Layers that never decide anything, and those whose time is over at `now` (event time). */
export function warningsOf(document: RulesDocument, now: number): RulesWarning[] {
  const deciding = new Set<Layer>();
  for (const { product, periods } of timelinesOf(document)) {
    for (const { layers } of periods) {
      for (const layer of decidingIn(layers, product)) deciding.add(layer);
    }
  }
  return document.layers.flatMap((layer, i): RulesWarning[] => {
    const path = `rules[${i}]`;
    if (layer.until !== null && layer.until <= now) {
      return [
        {
          path,
          reason: "over",
          detail: `"${layer.name}" ended at ${new Date(layer.until).toISOString()}`,
        },
      ];
    }
    if (deciding.has(layer)) return [];
    const detail = `"${layer.name}" changes nothing: it applies nowhere, or others say all that it says`;
    return [{ path, reason: "unreachable", detail }];
  });
}

/** What keeps sound rules from pricing these regions: a product they leave out, a currency that is not the region's. */
export function faultsInRegions(document: RulesDocument, regions: Iterable<Region>): RulesFault[] {
  const book = bookOf(document);
  return [...regions].flatMap(({ regionId, currency, productTypes }) =>
    productTypes.flatMap((productType): RulesFault[] => {
      const timeline = book.timelineOf(regionId, productType);
      if (!timeline) {
        const detail = `${regionId} sells ${productType}, which has no price here`;
        return [{ path: "rules", reason: "unpriced_product", detail }];
      }
      const other = timeline.periods
        .map(({ plan }) => plan)
        .find((plan) => !Array.isArray(plan) && plan.currency !== currency);
      if (!other || Array.isArray(other)) return [];
      const detail = `${regionId} is priced in ${currency}, not in ${other.currency}`;
      return [{ path: "rules", reason: "other_currency", detail }];
    }),
  );
}

function faultsOfLayers({ layers, groups, attributes }: RulesDocument): RulesFault[] {
  const faults: RulesFault[] = [];
  const names = new Set<string>();
  for (const [i, { name, scope, from, until }] of layers.entries()) {
    const path = `rules[${i}]`;
    if (names.has(name)) {
      faults.push({
        path: `${path}.name`,
        reason: "same_name",
        detail: `two layers are called "${name}"`,
      });
    }
    names.add(name);
    for (const [g, group] of (scope.groups ?? []).entries()) {
      if (Object.hasOwn(groups, group)) continue;
      const detail = `there is no group "${group}"`;
      faults.push({ path: `${path}.for.groups[${g}]`, reason: "unknown_group", detail });
    }
    if (from !== null && until !== null && from >= until) {
      const detail = `"${name}" would end before it begins`;
      faults.push({ path: `${path}.effective.until`, reason: "dates_reversed", detail });
    }
  }
  for (const [name, range] of Object.entries(attributes)) {
    if (range.min <= range.default && range.default <= range.max) continue;
    const detail = `the default ${range.default} must lie from ${range.min} to ${range.max}`;
    faults.push({ path: `attributes.${name}`, reason: "range_reversed", detail });
  }
  return faults;
}

function productsOf({ layers }: RulesDocument): string[] {
  return [...new Set(layers.flatMap(({ settings }) => Object.keys(settings.products ?? {})))];
}

interface Placed {
  place: string;
  product: string;
  periods: readonly Period[];
}

/** Every timeline that the document can lead to, each once. */
function timelinesOf(document: RulesDocument): Placed[] {
  const book: RuleBook = bookOf(document);
  const named = document.layers.flatMap(({ scope }) => scope.regions ?? []);
  const grouped = Object.values(document.groups).flat();
  const places = [ELSEWHERE, ...new Set([...named, ...grouped])];
  const found = new Map<readonly Period[], Placed>();
  for (const product of productsOf(document)) {
    for (const place of places) {
      const periods = book.timelineOf(place, product)?.periods;
      if (periods && !found.has(periods)) found.set(periods, { place, product, periods });
    }
  }
  return [...found.values()];
}

/** Layers that are equal in rank and set the same leaf to something else. */
function conflictsIn(document: RulesDocument, { layers }: Period): RulesFault[] {
  const faults: RulesFault[] = [];
  const decided = new Map<string, { layer: Layer; text: string }>();
  for (const layer of layers) {
    for (const [leaf, value] of leavesOf(layer.settings)) {
      const text = JSON.stringify(value);
      const winner = decided.get(leaf);
      if (!winner) {
        decided.set(leaf, { layer, text });
        continue;
      }
      const isTie = String(ranksOf(winner.layer)) === String(ranksOf(layer));
      if (!isTie || winner.text === text) continue;
      const path = `rules[${document.layers.indexOf(layer)}].${leaf}`;
      const detail = `"${layer.name}" and "${winner.layer.name}" are equally specific and disagree on ${leaf}: ${text} and ${winner.text}; give one of them a priority`;
      faults.push({ path, reason: "conflict", detail });
    }
  }
  return faults;
}

/** The faults of a period's plan, each at the most specific layer that sets the leaf. */
function planFaultsIn(document: RulesDocument, { plan, layers }: Period): RulesFault[] {
  if (!Array.isArray(plan)) return [];
  return plan.map(({ path: leaf, reason, detail }) => {
    const layer = layers.find(({ settings }) =>
      [...leavesOf(settings).keys()].some((name) => name === leaf || name.startsWith(`${leaf}.`)),
    );
    const path = layer ? `rules[${document.layers.indexOf(layer)}].${leaf}` : "rules";
    return { path, reason, detail };
  });
}

/** The layers of which some leaf counts for the product. */
function decidingIn(layers: readonly Layer[], product: string): Layer[] {
  const decided = new Set<string>();
  return layers.filter(({ settings }) => {
    const before = decided.size;
    for (const leaf of leavesOf(settings).keys()) {
      if (!leaf.startsWith("products.") || leaf.startsWith(`products.${product}.`))
        decided.add(leaf);
    }
    return decided.size > before;
  });
}
