/**
 * From layers to plans: which rules price a product of a region, and when that changes.
 *
 * Places to which the same layers apply share their plans, so a document of ten layers stays small however many regions there are.
 */
import { type PlanFault, type PricePlan, planFrom } from "./price-plan.ts";
import { type Layer, own, type RulesDocument, type Settings } from "./rules.ts";
import type { EpochMs } from "./units.ts";

/** The plans of one product where one set of layers applies, in the order of time. */
export interface Timeline {
  /** Instants at which another plan begins; period `i` begins at `boundaries[i - 1]`. */
  boundaries: readonly EpochMs[];
  periods: readonly Period[];
}

export interface Period {
  /** The plan, or why there is none. */
  plan: PricePlan | PlanFault[];
  /** The layers that apply, the most specific first. */
  layers: readonly Layer[];
}

const books = new WeakMap<RulesDocument, RuleBook>();

/** The book of a document; made once. */
export function bookOf(document: RulesDocument): RuleBook {
  let book = books.get(document);
  if (!book) {
    book = new RuleBook(document);
    books.set(document, book);
  }
  return book;
}

export class RuleBook {
  private readonly document: RulesDocument;
  private readonly groupsOf = new Map<string, string[]>();
  /** By region and product. */
  private readonly byPlace = new Map<string, Timeline | null>();
  /** By product and the layers that apply. */
  private readonly bySignature = new Map<string, Timeline>();

  constructor(document: RulesDocument) {
    this.document = document;
    for (const [group, regions] of Object.entries(document.groups)) {
      for (const regionId of regions) {
        const groups = this.groupsOf.get(regionId);
        if (groups) groups.push(group);
        else this.groupsOf.set(regionId, [group]);
      }
    }
  }

  /** How a product is priced over time; null when no layer that applies to the region sets a price for it. */
  timelineOf(regionId: string, productType: string): Timeline | null {
    const place = `${regionId} ${productType}`;
    const known = this.byPlace.get(place);
    if (known !== undefined) return known;
    const layers = this.document.layers.filter((layer) =>
      this.applies(layer, regionId, productType),
    );
    const isSold = layers.some(
      ({ settings }) => settings.products && own(settings.products, productType) !== undefined,
    );
    const timeline = isSold ? this.timelineFor(productType, layers) : null;
    this.byPlace.set(place, timeline);
    return timeline;
  }

  /** When the rules of one of these products next change after `at`; null when they never do. */
  nextChangeAfter(at: EpochMs, regionId: string, productTypes: readonly string[]): EpochMs | null {
    const later = productTypes
      .flatMap((productType) => this.timelineOf(regionId, productType)?.boundaries ?? [])
      .filter((boundary) => boundary > at);
    return later.length === 0 ? null : (Math.min(...later) as EpochMs);
  }

  private applies({ scope }: Layer, regionId: string, productType: string): boolean {
    if (scope.products !== null && !scope.products.includes(productType)) return false;
    if (scope.regions === null && scope.groups === null) return true;
    if (scope.regions?.includes(regionId)) return true;
    const groups = this.groupsOf.get(regionId);
    return groups?.some((group) => scope.groups?.includes(group)) ?? false;
  }

  private timelineFor(productType: string, layers: readonly Layer[]): Timeline {
    const signature = `${productType} ${layers.map((layer) => this.document.layers.indexOf(layer)).join()}`;
    let timeline = this.bySignature.get(signature);
    if (!timeline) {
      timeline = timelineFrom(this.document, layers, productType);
      this.bySignature.set(signature, timeline);
    }
    return timeline;
  }
}

/** Which period an instant lies in. */
export function periodAt({ boundaries }: Timeline, at: EpochMs): number {
  let period = 0;
  while (period < boundaries.length && at >= (boundaries[period] as number)) period++;
  return period;
}

function timelineFrom(
  document: RulesDocument,
  layers: readonly Layer[],
  productType: string,
): Timeline {
  const edges = layers.flatMap(({ from, until }) => [from, until]).filter((edge) => edge !== null);
  const boundaries = [...new Set(edges)].sort((a, b) => a - b);
  const starts = [Number.NEGATIVE_INFINITY, ...boundaries];
  const periods = starts.map((startAt): Period => {
    const inForce = layers
      .filter(
        ({ from, until }) => (from ?? startAt) <= startAt && (until === null || startAt < until),
      )
      .sort(bySpecificity);
    return {
      layers: inForce,
      plan: planFrom(merged(inForce), productType, document, announcedSinceOf(inForce)),
    };
  });
  return { boundaries, periods };
}

/** The most specific first. Of equals the order of the document stays; sound documents leave them nothing to disagree on. */
function bySpecificity(a: Layer, b: Layer): number {
  const [ranksA, ranksB] = [ranksOf(a), ranksOf(b)];
  for (const [i, rank] of ranksA.entries()) {
    const other = ranksB[i] ?? 0;
    if (rank !== other) return other - rank;
  }
  return 0;
}

/** What makes a layer go before another, the most telling first. */
export function ranksOf({ priority, scope, from, until }: Layer): number[] {
  const place = scope.regions ? 2 : scope.groups ? 1 : 0;
  return [priority, place, scope.products ? 1 : 0, from !== null || until !== null ? 1 : 0];
}

function announcedSinceOf(layers: readonly Layer[]): EpochMs | null {
  const says = layers.find(({ settings }) => settings.announcedReduction !== undefined);
  return says?.from ?? null;
}

/** Settings of layers put together leaf by leaf; the first that sets a leaf wins. */
function merged(layers: readonly Layer[]): Settings {
  let sum: Tree = {};
  for (const { settings } of layers) sum = under(sum, { ...settings });
  return sum as Settings;
}

type Tree = { readonly [name: string]: unknown };

/** `over`, with what it leaves out from `base`. Arrays are leaves. */
function under(over: Tree, base: Tree): Tree {
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const below = own(base, name);
    result[name] = isTree(value) && isTree(below) ? under(value, below) : value;
  }
  return result;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
