/** What changes for whom between two rules documents. */
import { priceFrom } from "../../../domain/price.ts";
import type { PricePlan } from "../../../domain/price-plan.ts";
import { bookOf, periodAt } from "../../../domain/rule-book.ts";
import type { RulesDocument } from "../../../domain/rules.ts";
import type { EpochMs } from "../../../domain/units.ts";
import { changesFor, type EffectiveChange } from "./effective-settings.ts";
import { EXAMPLE_HOURS, type ExampleHour } from "./example-hours.ts";
import { type LayerChange, layerChanges } from "./layer-changes.ts";

/** A region that sells some products; the name `elsewhere` stands for all that neither document names. */
export interface Place {
  name: string;
  /** Empty for `elsewhere`. */
  regionId: string;
  products: readonly string[];
}

export interface ExamplePrice {
  hour: ExampleHour["name"];
  /** Minor units; null where the rules do not price the product. */
  beforeMinor: number | null;
  afterMinor: number | null;
  currency: string;
}

/** Places and products for which the same changes. */
export interface PlanChange {
  products: readonly string[];
  regions: readonly string[];
  change: EffectiveChange;
  /** When the first of its stretches begins. */
  examples: readonly (ExamplePrice & { product: string })[];
}

export interface RulesDiff {
  layers: LayerChange[];
  plans: PlanChange[];
  /** Region and product pairs looked at, and how many of them change. */
  pairs: number;
  changed: number;
}

/** Places that two documents tell apart, where no regions document says which there are. */
export function placesOf(before: RulesDocument, after: RulesDocument): Place[] {
  const both = [before, after];
  const regions = both.flatMap(({ layers, groups }) => [
    ...layers.flatMap(({ scope }) => scope.regions ?? []),
    ...Object.values(groups).flat(),
  ]);
  const products = new Set(
    both.flatMap(({ layers }) =>
      layers.flatMap(({ settings }) => Object.keys(settings.products ?? {})),
    ),
  );
  const elsewhere = { name: "elsewhere", regionId: "", products: [...products] };
  const named = [...new Set(regions)].map((regionId) => {
    return { name: regionId, regionId, products: [...products] };
  });
  return [elsewhere, ...named];
}

export function diffRules(
  before: RulesDocument,
  after: RulesDocument,
  places: readonly Place[],
): RulesDiff {
  const byChange = new Map<string, PlanChange & { products: string[]; regions: string[] }>();
  let pairs = 0;
  let changed = 0;
  for (const { name, regionId, products } of places) {
    for (const product of products) {
      const changes = changesFor(before, after, regionId, product);
      pairs++;
      if (changes.length > 0) changed++;
      for (const change of changes) {
        const [first] = change.stretches;
        const examples = examplesOf(before, after, regionId, product, first?.from ?? null);
        const key = JSON.stringify([product, change, examples]);
        const group = byChange.get(key);
        if (group) group.regions.push(name);
        else byChange.set(key, { products: [product], regions: [name], change, examples });
      }
    }
  }
  return {
    layers: layerChanges(before, after),
    plans: withProductsTogether([...byChange.values()]),
    pairs,
    changed,
  };
}

/** Products that change alike in the same regions are one line. */
function withProductsTogether(
  groups: readonly (PlanChange & { products: string[] })[],
): PlanChange[] {
  const byChange = new Map<string, PlanChange & { products: string[] }>();
  for (const group of groups) {
    const key = JSON.stringify([group.regions, group.change]);
    const same = byChange.get(key);
    if (!same) byChange.set(key, group);
    else {
      same.products.push(...group.products);
      same.examples = [...same.examples, ...group.examples];
    }
  }
  return [...byChange.values()];
}

function examplesOf(
  before: RulesDocument,
  after: RulesDocument,
  regionId: string,
  product: string,
  from: EpochMs | null,
) {
  const at = (from ?? Number.NEGATIVE_INFINITY) as EpochMs;
  const old = planAt(before, regionId, product, at);
  const now = planAt(after, regionId, product, at);
  return EXAMPLE_HOURS.map(({ name, inputs }) => ({
    product,
    hour: name,
    beforeMinor: old && priceFrom(old, inputs).priceMinor,
    afterMinor: now && priceFrom(now, inputs).priceMinor,
    currency: (now ?? old)?.currency ?? "",
  }));
}

function planAt(
  document: RulesDocument,
  regionId: string,
  product: string,
  at: EpochMs,
): PricePlan | null {
  const timeline = bookOf(document).timelineOf(regionId, product);
  const plan = timeline?.periods[periodAt(timeline, at)]?.plan;
  return plan && !Array.isArray(plan) ? plan : null;
}
