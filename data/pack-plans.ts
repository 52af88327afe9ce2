import { rulesFrom } from "../contract/rules.ts";
import type { PricePlan } from "../domain/price-plan.ts";
import { bookOf, periodAt } from "../domain/rule-book.ts";
import type { RulesDocument } from "../domain/rules.ts";
import type { EpochMs } from "../domain/units.ts";
import { readRulesFile } from "../origin/publication/read-rules-file.ts";

/** The rules of a pack under rules/packs. Throws with everything that is wrong where they are not sound. */
export async function loadPack(name: string): Promise<RulesDocument> {
  const file = new URL(`../rules/packs/${name}.yaml`, import.meta.url);
  const read = rulesFrom(await readRulesFile(file));
  if (Array.isArray(read)) throw new Error(JSON.stringify(read, null, 1));
  return read.document;
}

/** The plan that prices a product of a region at an instant. Throws where there is none. */
export function planAt(
  document: RulesDocument,
  regionId: string,
  productType: string,
  at: EpochMs,
): PricePlan {
  const timeline = bookOf(document).timelineOf(regionId, productType);
  const plan = timeline?.periods[periodAt(timeline, at)]?.plan;
  if (!plan || Array.isArray(plan)) throw new Error(`nothing prices ${productType} of ${regionId}`);
  return plan;
}
