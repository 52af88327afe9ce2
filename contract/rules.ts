/** The rules document as the pricing team writes it: decimal prices, snake_case. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { faultsOf, type ProductRules, type RuleSet, type VersionedRules } from "../domain/rules.ts";
import type { MinorUnits, RulesVersion } from "../domain/units.ts";
import { minorFrom } from "./money.ts";
import { type FieldError, fieldErrorsFrom } from "./problem.ts";

const weight = z.number().min(-10).max(10);
const neutral = z.number().min(-10).max(10);
const price = z.number().positive().max(1_000_000_000);
const multiplier = z.number().min(0).max(100);
const factor = { weight, neutral };

const productSchema = z.strictObject({
  base_price: price,
  floor_price: price.optional(),
  ceiling_price: price.optional(),
});

const ruleSetSchema = z.strictObject({
  currency: z.string().regex(/^[A-Z]{3}$/),
  products: z.record(z.string().regex(/^[a-z0-9_]{1,64}$/), productSchema),
  factors: z.strictObject({
    demand: z.strictObject({
      ...factor,
      steepness: z.number().min(0).max(100),
      threshold: z.number().min(0).max(1),
    }),
    supply: z.strictObject(factor),
    time_of_day: z.strictObject({
      ...factor,
      /** One number for each local hour, midnight first. */
      multiplier_by_hour: z.array(multiplier).length(24),
    }),
    weather: z.strictObject(factor),
    events: z.strictObject(factor),
  }),
  min_multiplier: multiplier,
  max_multiplier: multiplier,
  /** Prices are multiples of this. */
  rounding: price,
});

export const rulesDocumentSchema = z.strictObject({
  rule_sets: z.record(z.string().regex(/^[a-z0-9-]{1,64}$/), ruleSetSchema),
  default_rule_set: z.string(),
  by_region: z.record(z.string(), z.string()).default({}),
});
export type RulesDocumentInput = z.input<typeof rulesDocumentSchema>;

/** The version of a rules document: a hash of its JSON, so equal rules are the same version, however they are laid out. */
function rulesVersionOf(json: unknown): RulesVersion {
  const digest = createHash("sha256").update(JSON.stringify(json)).digest("hex");
  return `rul_${digest.slice(0, 12)}` as RulesVersion;
}

/** Reads the text of a rules document, or names everything that is wrong with it, each with its path. */
export function parseRules(text: string): VersionedRules | FieldError[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return [{ path: "", detail: `Not JSON: ${error instanceof Error ? error.message : error}` }];
  }
  return rulesFrom(json);
}

/** As `parseRules`, of a document that was read from JSON already. */
export function rulesFrom(json: unknown): VersionedRules | FieldError[] {
  const parsed = rulesDocumentSchema.safeParse(json);
  if (!parsed.success) return fieldErrorsFrom(parsed.error);
  const errors: FieldError[] = [];
  const ruleSets = Object.entries(parsed.data.rule_sets).map(([name, input]) => {
    return [name, ruleSetFrom(input, `rule_sets.${name}`, errors)] as const;
  });
  const document = {
    ruleSets: Object.fromEntries(ruleSets),
    defaultRuleSet: parsed.data.default_rule_set,
    byRegion: parsed.data.by_region,
  };
  if (errors.length === 0) {
    errors.push(...faultsOf(document).map(({ path, detail }) => ({ path, detail })));
  }
  return errors.length > 0 ? errors : { version: rulesVersionOf(json), document };
}

function ruleSetFrom(
  input: z.output<typeof ruleSetSchema>,
  path: string,
  errors: FieldError[],
): RuleSet {
  const money = (decimal: number, field: string): MinorUnits => {
    const minor = minorFrom(decimal, input.currency);
    if (minor !== null && minor > 0) return minor;
    errors.push({
      path: `${path}.${field}`,
      detail: `${decimal} is no amount of ${input.currency}`,
    });
    return 1 as MinorUnits;
  };
  const products = Object.entries(input.products).map(([name, product]): [string, ProductRules] => {
    const at = (field: string) => `products.${name}.${field}`;
    const { base_price, floor_price, ceiling_price } = product;
    return [
      name,
      {
        baseMinor: money(base_price, at("base_price")),
        floorMinor: floor_price === undefined ? undefined : money(floor_price, at("floor_price")),
        ceilingMinor:
          ceiling_price === undefined ? undefined : money(ceiling_price, at("ceiling_price")),
      },
    ];
  });
  const { demand, supply, time_of_day, weather, events } = input.factors;
  return {
    currency: input.currency,
    products: Object.fromEntries(products),
    demand,
    supply,
    timeOfDay: {
      weight: time_of_day.weight,
      neutral: time_of_day.neutral,
      multiplierByHour: time_of_day.multiplier_by_hour,
    },
    weather,
    events,
    minMultiplier: input.min_multiplier,
    maxMultiplier: input.max_multiplier,
    roundingMinor: money(input.rounding, "rounding"),
  };
}
