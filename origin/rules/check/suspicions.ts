/** What is allowed but hardly meant: prices that never are, limits that never bind, names that lead nowhere. */
import { valueOn } from "../../../domain/curve.ts";
import type { PricePlan } from "../../../domain/price-plan.ts";
import type { Region } from "../../../domain/region.ts";
import { bookOf, type Period } from "../../../domain/rule-book.ts";
import type { Layer, RulesDocument } from "../../../domain/rules.ts";
import { leavesOf } from "../../../domain/settings-leaves.ts";
import { amountText } from "../amount-text.ts";
import { rangeOf } from "./input-ranges.ts";

export interface Suspicion {
  path: string;
  reason:
    | "base_out_of_bounds"
    | "hysteresis_too_wide"
    | "step_never_limits"
    | "point_never_reached"
    | "flat_curve"
    | "unused_group"
    | "unused_attribute"
    | "unknown_region"
    | "unsold_product";
  detail: string;
}

/** Of sound rules, whatever the regions. */
export function suspicionsIn(document: RulesDocument): Suspicion[] {
  const seen = new Map<string, Suspicion>();
  for (const { product, period } of periodsOf(document)) {
    for (const suspicion of suspicionsInPeriod(document, product, period)) {
      const key = `${suspicion.path} ${suspicion.reason}`;
      if (!seen.has(key)) seen.set(key, suspicion);
    }
  }
  return [...seen.values(), ...unusedNames(document)];
}

/** Names that these regions do not have, and products that none of them sells. */
export function suspicionsInRegions(
  document: RulesDocument,
  regions: readonly Region[],
): Suspicion[] {
  const known = new Set<string>(regions.map(({ regionId }) => regionId));
  const sold = new Set<string>(regions.flatMap(({ productTypes }) => productTypes));
  const unknown = (ids: readonly string[], path: string) =>
    ids.flatMap((id, i): Suspicion[] =>
      known.has(id)
        ? []
        : [
            {
              path: `${path}[${i}]`,
              reason: "unknown_region",
              detail: `there is no region ${id}`,
            },
          ],
    );
  const unsold = (names: readonly string[], pathOf: (name: string, i: number) => string) =>
    names.flatMap((name, i): Suspicion[] =>
      sold.has(name)
        ? []
        : [{ path: pathOf(name, i), reason: "unsold_product", detail: `no region sells ${name}` }],
    );
  return [
    ...Object.entries(document.groups).flatMap(([group, ids]) => unknown(ids, `groups.${group}`)),
    ...document.layers.flatMap(({ scope, settings }, i) => [
      ...unknown(scope.regions ?? [], `rules[${i}].for.regions`),
      ...unsold(scope.products ?? [], (_, n) => `rules[${i}].for.products[${n}]`),
      ...unsold(Object.keys(settings.products ?? {}), (name) => `rules[${i}].products.${name}`),
    ]),
  ];
}

function* periodsOf(document: RulesDocument): Generator<{ product: string; period: Period }> {
  const { layers, groups } = document;
  const products = new Set(layers.flatMap(({ settings }) => Object.keys(settings.products ?? {})));
  const named = layers.flatMap(({ scope }) => scope.regions ?? []);
  // The empty name stands for every region that is not named.
  const places = new Set(["", ...named, ...Object.values(groups).flat()]);
  for (const product of products) {
    for (const place of places) {
      for (const period of bookOf(document).timelineOf(place, product)?.periods ?? []) {
        yield { product, period };
      }
    }
  }
}

function suspicionsInPeriod(
  document: RulesDocument,
  product: string,
  { plan, layers }: Period,
): Suspicion[] {
  if (Array.isArray(plan)) return [];
  const at = (leaf: string) => pathOf(document, layers, leaf);
  return [...suspicionsOfBounds(plan, product, at), ...suspicionsOfCurves(document, plan, at)];
}

function suspicionsOfBounds(
  { currency, baseMinor, lowMinor, highMinor, hysteresisMinor, maxStepMinor }: PricePlan,
  product: string,
  at: (leaf: string) => string,
): Suspicion[] {
  const suspicions: Suspicion[] = [];
  const width = highMinor - lowMinor;
  const money = (minor: number) => amountText(minor, currency);
  if (baseMinor < lowMinor || baseMinor > highMinor) {
    const detail = `${product} never costs its base price: ${money(baseMinor)} lies outside of ${money(lowMinor)} to ${money(highMinor)}`;
    const path = at(`products.${product}.base_price`);
    suspicions.push({ path, reason: "base_out_of_bounds", detail });
  }
  if (width > 0 && hysteresisMinor > width) {
    const detail = `prices of ${product} never move: the bounds are ${money(width)} apart, and moves below ${money(hysteresisMinor)} are held`;
    const path = at("constraints.hysteresis");
    suspicions.push({ path, reason: "hysteresis_too_wide", detail });
  }
  if (maxStepMinor !== null && width > 0 && maxStepMinor >= width) {
    const detail = `it limits nothing: prices of ${product} are never further apart than ${money(width)}`;
    const path = at("constraints.max_step_per_minute");
    suspicions.push({ path, reason: "step_never_limits", detail });
  }
  return suspicions;
}

function suspicionsOfCurves(
  document: RulesDocument,
  { curves, attributes }: PricePlan,
  at: (leaf: string) => string,
): Suspicion[] {
  return [...curves, ...attributes].flatMap(({ name, input, kind, points }): Suspicion[] => {
    const { min, max } = rangeOf(input, document);
    const path = at(`factors.${name}.points`);
    const range = `${input} is from ${min} ${max === Number.POSITIVE_INFINITY ? "up" : `to ${max}`}`;
    const beyond = points.filter(([x]) => x < min || x > max).map(([x]) => x);
    const reached = points.map(([x]) => Math.min(max, Math.max(min, x)));
    const values = new Set(reached.map((x) => valueOn({ kind, points }, x)));
    if (points.length > 1 && values.size === 1) {
      const detail = `"${name}" has the same value wherever its input can be: ${range}`;
      return [{ path, reason: "flat_curve", detail }];
    }
    if (beyond.length === 0) return [];
    const detail = `"${name}" has points that its input never reaches (${beyond.join(", ")}): ${range}`;
    return [{ path, reason: "point_never_reached", detail }];
  });
}

function unusedNames({ groups, attributes, layers }: RulesDocument): Suspicion[] {
  const used = new Set(layers.flatMap(({ scope }) => scope.groups ?? []));
  const read = new Set(
    layers.flatMap(({ settings }) =>
      Object.values(settings.curves ?? {}).map(({ input }) => input),
    ),
  );
  return [
    ...Object.keys(groups)
      .filter((group) => !used.has(group))
      .map((group): Suspicion => {
        const detail = `no layer is for the group "${group}"`;
        return { path: `groups.${group}`, reason: "unused_group", detail };
      }),
    ...Object.keys(attributes)
      .filter((name) => !read.has(`attribute.${name}`))
      .map((name): Suspicion => {
        const detail = `no curve reads attribute.${name}`;
        return { path: `attributes.${name}`, reason: "unused_attribute", detail };
      }),
  ];
}

/** The leaf in the most specific layer that sets it. */
function pathOf(document: RulesDocument, layers: readonly Layer[], leaf: string): string {
  const layer = layers.find(({ settings }) => leavesOf(settings).has(leaf));
  return layer ? `rules[${document.layers.indexOf(layer)}].${leaf}` : "rules";
}
