/** The rules document as the pricing team writes it: decimal prices, snake_case. docs/rules explains it to them. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { CURVE_INPUTS } from "../domain/curve.ts";
import { faultsOf } from "../domain/rule-faults.ts";
import {
  type Layer,
  type RulesDocument,
  type Settings,
  type VersionedRules,
  WEEKDAYS,
} from "../domain/rules.ts";
import type { EpochMs, RulesVersion } from "../domain/units.ts";
import { instantSchema } from "./names.ts";
import { type FieldError, fieldErrorsFrom } from "./problem.ts";

export const MAX_LAYERS = 1_000;

const weight = z.number().min(-10).max(10).describe("How strongly the factor moves the price.");
const neutral = z
  .number()
  .min(-10)
  .max(10)
  .describe("The value at which the factor moves the price not at all.");
const price = z.number().positive().max(1_000_000_000);
const multiplier = z.number().min(0).max(100);
const factor = { weight: weight.optional(), neutral: neutral.optional() };

const NAME = /^[a-z0-9_]{1,64}$/;
const name = z.string().regex(NAME, "1 to 64 lower-case letters, digits and underscores.");
const regionId = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, "1 to 64 lower-case letters, digits and hyphens.");
const groupName = regionId;

const productSchema = z
  .strictObject({
    base_price: price.optional().describe("What one unit costs in an ordinary hour."),
    floor_price: price.optional().describe("No price is below this."),
    ceiling_price: price.optional().describe("No price is above this."),
  })
  .describe("Decimal amounts of the layer's currency.");

const hours = z
  .array(multiplier)
  .length(24)
  .describe("One number for each local hour, midnight first.");

const curveSchema = z.strictObject({
  ...factor,
  input: z
    .union([z.enum(CURVE_INPUTS), z.string().regex(/^attribute\.[a-z0-9_]{1,64}$/)])
    .optional()
    .describe("What the curve reads; `attribute.<name>` is sent with the request."),
  curve: z
    .enum(["linear", "step"])
    .optional()
    .describe(
      "linear: straight lines between the points. step: the last point at or before counts.",
    ),
  points: z
    .array(z.tuple([z.number(), z.number().min(-100).max(100)]))
    .min(1)
    .max(256)
    .optional()
    .describe("[input, value], inputs rising. Outside of them the first and last values hold."),
});

const factorsSchema = z
  .object({
    demand: z
      .strictObject({
        ...factor,
        steepness: z.number().min(0).max(100).optional(),
        threshold: z.number().min(0).max(1).optional(),
      })
      .optional()
      .describe("sigmoid(steepness * (demand_score - threshold))"),
    supply: z
      .strictObject(factor)
      .optional()
      .describe("1 / (1 + available / bookings of the last 15 minutes)"),
    time_of_day: z
      .strictObject({
        ...factor,
        multiplier_by_hour: hours.optional(),
        by_day: z
          .partialRecord(z.enum(WEEKDAYS), hours)
          .optional()
          .describe("In place of multiplier_by_hour on these days."),
      })
      .optional(),
    weather: z.strictObject(factor).optional().describe("1 + 0.5 * severity"),
    events: z.strictObject(factor).optional().describe("1 + 0.5 * score of local events"),
  })
  .catchall(curveSchema.describe("A factor of your own: a curve over one input."));

const STANDARD_FACTORS: ReadonlySet<string> = new Set(Object.keys(factorsSchema.shape));
/** Names that the answer uses for something else. */
const RESERVED: ReadonlySet<string> = new Set(["adjustment", "__proto__", "constructor"]);

const constraintsSchema = z.strictObject({
  min_multiplier: multiplier.optional(),
  max_multiplier: multiplier.optional(),
  max_step_per_minute: z
    .number()
    .positive()
    .max(100)
    .optional()
    .describe(
      "Within any minute no two prices of a product differ by more than this times its base price.",
    ),
  hysteresis: z
    .number()
    .min(0)
    .max(10)
    .optional()
    .describe(
      "A price stays while the rules would move it by less than this times the base price.",
    ),
});

const places = (schema: z.ZodString) => z.array(schema).min(1).max(10_000).optional();

export const layerSchema = z
  .strictObject({
    name: z.string().min(1).max(64).describe("What people call it; told in explanations."),
    for: z
      .strictObject({
        regions: places(regionId),
        groups: places(groupName),
        products: places(name),
      })
      .optional()
      .describe("Where it applies; what is not named is everywhere."),
    effective: z
      .strictObject({ from: instantSchema.optional(), until: instantSchema.optional() })
      .optional()
      .describe("When it applies: from `from` until before `until`."),
    priority: z
      .int()
      .min(-100)
      .max(100)
      .optional()
      .describe("The higher goes first, before how specific a layer is. 0 when it is not given."),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, "Not an ISO 4217 code such as USD.")
      .optional(),
    products: z.record(name, productSchema).optional(),
    factors: factorsSchema.optional(),
    constraints: constraintsSchema.optional(),
    rounding: price.optional().describe("Prices are multiples of this."),
    adjust: z.number().min(-10).max(10).optional().describe("Added to the multiplier."),
    announced_reduction: z
      .boolean()
      .optional()
      .describe(
        "The layer's prices are announced as reduced: answers carry the lowest price of the 30 days before `from`.",
      ),
  })
  .describe("Where and when it applies, and what it sets there.");

export const rulesDocumentSchema = z.strictObject({
  $schema: z.string().optional().describe("For editors; it means nothing here."),
  groups: z
    .record(groupName, z.array(regionId).max(10_000))
    .default({})
    .describe("Region groups by name."),
  attributes: z
    .record(
      name,
      z.strictObject({
        min: z.int().min(-999_999_999),
        max: z.int().max(999_999_999),
        default: z.int().describe("Counts where a request sends none."),
      }),
    )
    .default({})
    .describe("Integers that a client may send with a price request."),
  rules: z
    .array(layerSchema)
    .min(1)
    .max(MAX_LAYERS)
    .describe("The most specific one wins, leaf by leaf."),
});
export type RulesDocumentInput = z.input<typeof rulesDocumentSchema>;
export type LayerInput = z.output<typeof layerSchema>;

export const rulesVersionSchema = z
  .string()
  .regex(/^rul_[0-9a-f]{12}$/, "A rules version is rul_ and twelve hex digits.")
  .transform((text) => text as RulesVersion);

/** The version of a rules document: a hash of its JSON, so equal rules are the same version, however they are laid out. */
export function rulesVersionOf(json: unknown): RulesVersion {
  const digest = createHash("sha256").update(JSON.stringify(json)).digest("hex");
  return `rul_${digest.slice(0, 12)}` as RulesVersion;
}

/** A rules document from what was read from YAML or JSON, or everything that is wrong with it, each with its path. */
export function rulesFrom(json: unknown): VersionedRules | FieldError[] {
  const document = rulesDocumentFrom(json);
  if (Array.isArray(document)) return document;
  const faults = faultsOf(document).map(({ path, detail }) => ({ path, detail }));
  return faults.length > 0 ? faults : { version: rulesVersionOf(json), document };
}

/** A document of the right shape, which `faultsOf` may still find unusable; or how its shape is wrong. */
export function rulesDocumentFrom(json: unknown): RulesDocument | FieldError[] {
  const parsed = rulesDocumentSchema.safeParse(json);
  if (!parsed.success) return fieldErrorsFrom(parsed.error);
  const { groups, attributes, rules } = parsed.data;
  const errors = rules.flatMap(errorsOf);
  return errors.length > 0 ? errors : { groups, attributes, layers: rules.map(layerFrom) };
}

/** What the schema cannot say. */
function errorsOf(
  { factors, announced_reduction, effective }: LayerInput,
  i: number,
): FieldError[] {
  const errors = Object.keys(factors ?? {})
    .filter((factor) => RESERVED.has(factor) || !NAME.test(factor))
    .map((factor) => ({
      path: `rules[${i}].factors.${factor}`,
      detail:
        "A factor's name has 1 to 64 lower-case letters, digits and underscores, and is not taken.",
    }));
  if (announced_reduction && effective?.from === undefined) {
    const detail = "A reduction is announced from an instant on: give effective.from.";
    errors.push({ path: `rules[${i}].announced_reduction`, detail });
  }
  return errors;
}

function layerFrom(input: LayerInput): Layer {
  const { name: called, for: scope, effective, priority = 0 } = input;
  return {
    name: called,
    scope: {
      regions: scope?.regions ?? null,
      groups: scope?.groups ?? null,
      products: scope?.products ?? null,
    },
    from: (effective?.from as EpochMs | undefined) ?? null,
    until: (effective?.until as EpochMs | undefined) ?? null,
    priority,
    settings: settingsFrom(input),
  };
}

function settingsFrom(input: LayerInput): Settings {
  const { factors, constraints } = input;
  const { time_of_day } = factors ?? {};
  const curves = Object.entries(factors ?? {}).filter(([factor]) => !STANDARD_FACTORS.has(factor));
  return {
    currency: input.currency,
    products:
      input.products &&
      Object.fromEntries(
        Object.entries(input.products).map(([product, prices]) => [
          product,
          given({
            basePrice: prices.base_price,
            floorPrice: prices.floor_price,
            ceilingPrice: prices.ceiling_price,
          }),
        ]),
      ),
    demand: factors?.demand && given(factors.demand),
    supply: factors?.supply && given(factors.supply),
    timeOfDay:
      time_of_day &&
      given({
        weight: time_of_day.weight,
        neutral: time_of_day.neutral,
        multiplierByHour: time_of_day.multiplier_by_hour,
        byDay: time_of_day.by_day,
      }),
    weather: factors?.weather && given(factors.weather),
    events: factors?.events && given(factors.events),
    curves:
      curves.length === 0
        ? undefined
        : Object.fromEntries(curves.map(([factor, rule]) => [factor, curveFrom(rule)])),
    minMultiplier: constraints?.min_multiplier,
    maxMultiplier: constraints?.max_multiplier,
    maxStepPerMinute: constraints?.max_step_per_minute,
    hysteresis: constraints?.hysteresis,
    rounding: input.rounding,
    adjust: input.adjust,
    announcedReduction: input.announced_reduction,
  };
}

function curveFrom(rule: unknown) {
  const { curve: kind, ...others } = rule as z.output<typeof curveSchema>;
  return given({ ...others, kind });
}

type Given<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** Without the fields that were left out, so that merging never takes one for a value. */
function given<Fields extends object>(fields: Fields): Given<Fields> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Given<Fields>;
}
