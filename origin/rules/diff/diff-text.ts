/** A difference of rules for people, and as JSON. */
import { decimalFrom } from "../../../domain/money.ts";
import type { EpochMs, MinorUnits } from "../../../domain/units.ts";
import { amountText } from "../amount-text.ts";
import { textTable } from "../text-table.ts";
import type { PlanChange, RulesDiff } from "./diff-rules.ts";
import type { LeafChange, Stretch } from "./effective-settings.ts";
import { EXAMPLE_HOURS } from "./example-hours.ts";

/** How many names are written out. */
const NAMED = 4;

export function diffText({ layers, plans, pairs, changed }: RulesDiff): string {
  if (layers.length === 0) return "Nothing changes.";
  const layerLines = layers.flatMap(({ layer, kind, leaves }) => [
    `  ${kind} "${layer}"`,
    ...leaves.map((change) => `    ${leafText(change)}`),
  ]);
  const sum = `For ${changed} of ${pairs} pairs of region and product something changes.`;
  const planLines = plans.flatMap((plan, i) => [
    "",
    `  ${numberText(i)} ${whomText(plan)}`,
    ...whenLines(plan.change.stretches),
    ...plan.change.leaves.map((change) => `      ${leafText(change)}`),
  ]);
  return [
    ...["Layers", ...layerLines, "", "For whom", `  ${sum}`, ...planLines],
    ...(plans.length === 0 ? [] : ["", "Example prices", pricesText(plans), "", hoursText()]),
  ].join("\n");
}

export function diffJson({ layers, plans, pairs, changed }: RulesDiff) {
  return {
    layers,
    plans: plans.map(({ products, regions, change, examples }) => ({
      products,
      regions,
      stretches: change.stretches.map(({ from, until }) => ({
        from: from === null ? null : new Date(from).toISOString(),
        until: until === null ? null : new Date(until).toISOString(),
      })),
      kind: change.kind,
      changes: change.leaves,
      examples: examples.map(({ product, hour, beforeMinor, afterMinor, currency }) => ({
        ...{ product, hour, currency },
        before: decimalOf(beforeMinor, currency),
        after: decimalOf(afterMinor, currency),
      })),
    })),
    pairs,
    changed,
  };
}

function decimalOf(minor: number | null, currency: string): number | null {
  return minor === null ? null : decimalFrom(minor as MinorUnits, currency);
}

function whomText({ products, regions, change: { kind } }: PlanChange): string {
  const verb = { changed: "", sold: ", priced now", dropped: ", priced no more" }[kind];
  return `${products.join(", ")} in ${namesText(regions)}${verb}`;
}

/** `60 regions (nyc-4, nyc-7, nyc-12, nyc-13, ...)`. */
export function namesText(names: readonly string[]): string {
  if (names.length === 1) return names[0] ?? "";
  const some = names.slice(0, NAMED).join(", ");
  return `${names.length} regions (${some}${names.length > NAMED ? ", ..." : ""})`;
}

/** Nothing where it is so at all times. */
function whenLines(stretches: readonly Stretch[]): string[] {
  const text = (at: EpochMs) => new Date(at).toISOString().replace(".000Z", "Z");
  const parts = stretches.map(({ from, until }) =>
    [
      ...(from === null ? [] : [`from ${text(from)}`]),
      ...(until === null ? [] : [`until ${text(until)}`]),
    ].join(" "),
  );
  return parts[0] === "" ? [] : [`      ${parts.join(", ")}`];
}

const numberText = (index: number) => `[${index + 1}]`;

function leafText({ leaf, before, after }: LeafChange): string {
  return `${leaf}: ${valueText(before)} -> ${valueText(after)}`;
}

function valueText(value: unknown): string {
  if (value === undefined) return "(not set)";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A row for each product of each group, a column for each hour. */
function pricesText(plans: readonly PlanChange[]): string {
  const rows = plans.flatMap(({ products, examples }, i) =>
    products.map((product) => [
      numberText(i),
      product,
      ...EXAMPLE_HOURS.map(({ name }) =>
        priceText(examples.find((one) => one.product === product && one.hour === name)),
      ),
    ]),
  );
  return textTable(["", "product", ...EXAMPLE_HOURS.map(({ name }) => name)], rows, 2);
}

function priceText(example: PlanChange["examples"][number] | undefined): string {
  if (!example) return "";
  const { beforeMinor, afterMinor, currency } = example;
  if (afterMinor === null) return `${amountText(beforeMinor ?? 0, currency)} -> none`;
  const after = amountText(afterMinor, currency);
  if (beforeMinor === null) return `none -> ${after}`;
  const change = percentText(afterMinor / beforeMinor - 1);
  return `${amountText(beforeMinor, currency)} -> ${after} ${change}`;
}

function percentText(share: number): string {
  return `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)} %`;
}

function hoursText(): string {
  return EXAMPLE_HOURS.map(({ name, about }) => `${name}: ${about}.`).join("\n");
}
