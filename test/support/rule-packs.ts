/** The rule packs under rules/packs: each with its rules, regions and sample situations. */
import { readFile } from "node:fs/promises";
import { regionsDocumentSchema, regionsFrom } from "../../contract/regions.ts";
import { planAt } from "../../data/pack-plans.ts";
import { minorFrom } from "../../domain/money.ts";
import { type Price, type PriceLimits, priceFrom } from "../../domain/price.ts";
import { type Attributes, NOTHING_KNOWN, type PriceInputs } from "../../domain/price-inputs.ts";
import type { Region } from "../../domain/region.ts";
import type { RulesDocument } from "../../domain/rules.ts";
import { type EpochMs, type MinorUnits, plus, SECOND_MS } from "../../domain/units.ts";

export const PACKS = ["ride-hailing", "hospitality", "e-commerce", "food-delivery"] as const;
export type Pack = (typeof PACKS)[number];

/** A situation and what it costs, worked out apart from the engine. */
export interface Situation {
  name: string;
  region_id: string;
  product_type: string;
  /** Event time. */
  at: string;
  /** By the names that curves read; what is not given is unknown. */
  inputs: Record<string, number>;
  attributes?: Attributes;
  /** Prices told before, the oldest first. */
  told?: { seconds_ago: number; price: number }[];
  expected: {
    price: number;
    base_price: number;
    /** Those that are not 0. */
    factors: Record<string, number>;
    adjustments: Record<string, number>;
    because: string;
  };
}

const fileAt = (name: string) => new URL(`../../rules/packs/${name}`, import.meta.url);

async function readJson(name: string): Promise<unknown> {
  return JSON.parse(await readFile(fileAt(name), "utf8"));
}

export async function packRegions(pack: Pack): Promise<Region[]> {
  const document = regionsDocumentSchema.parse(await readJson(`${pack}.regions.json`));
  return [...regionsFrom(document).values()];
}

export async function packSituations(pack: Pack): Promise<Situation[]> {
  const { situations } = (await readJson(`${pack}.sample.json`)) as { situations: Situation[] };
  return situations;
}

export function priceOfSituation(document: RulesDocument, situation: Situation): Price {
  const at = Date.parse(situation.at) as EpochMs;
  const plan = planAt(document, situation.region_id, situation.product_type, at);
  const limits: PriceLimits = {
    told: (situation.told ?? []).map(({ seconds_ago, price }) => ({
      at: plus(at, -seconds_ago * SECOND_MS),
      priceMinor: minorFrom(price, plan.currency) as MinorUnits,
    })),
    asOf: at,
    measures: null,
  };
  return priceFrom(plan, inputsOf(situation), limits);
}

function inputsOf({ inputs, attributes = {} }: Situation): PriceInputs {
  const known = Object.entries(inputs).map(([name, value]) => {
    const field = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    if (!(field in NOTHING_KNOWN)) throw new Error(`no price knows an input ${name}`);
    return [field, value] as const;
  });
  return { ...NOTHING_KNOWN, ...Object.fromEntries(known), attributes };
}
