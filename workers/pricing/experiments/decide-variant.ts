/** The decision of a variant, made from the same snapshot as everybody's, when somebody of the variant asks first. */
import { armText } from "../../../domain/decision.ts";
import type { Attributes } from "../../../domain/price-inputs.ts";
import type { ModelVersion, ProductType } from "../../../domain/units.ts";
import type { Cells } from "../cells.ts";
import type { Foresight } from "../foresight.ts";
import type { Models } from "../model/models.ts";
import { type Decided, decideProduct, type RegionPrices } from "../region-prices.ts";
import type { ReadyVariant } from "./board.ts";

export interface VariantParts {
  cells: Pick<Cells, "foresee">;
  models: Pick<Models, "warm">;
}

/**
 * Null where the variant cannot price now: its model went cold, or its rules do not price the product. `anew` decides again what
 * was decided.
 */
export function decideVariant(
  { cells, models }: VariantParts,
  prices: RegionPrices,
  asked: { productType: ProductType; attributes: Attributes | null; anew: boolean },
  variant: ReadyVariant,
): Decided | null {
  const { productType, attributes, anew } = asked;
  const byProduct = productsOf(prices, variant);
  const known = attributes === null ? byProduct.get(productType) : undefined;
  if (known && !anew) return known;
  const foresight = foresightOf({ cells, models }, prices, variant.modelVersion, anew);
  if (!foresight) return null;
  const madeBy = variant.rules ? { ...prices.madeBy, rules: variant.rules } : prices.madeBy;
  const particulars = { attributes, experiment: variant.arm };
  const decided = decideProduct({ ...prices, madeBy, foresight }, productType, particulars);
  if (!decided || attributes !== null) return decided;
  if (known) decided.told = known.told && known.id === decided.id;
  byProduct.set(productType, decided);
  return decided;
}

function productsOf({ byVariant }: RegionPrices, { arm }: ReadyVariant): Map<ProductType, Decided> {
  const name = armText(arm);
  const known = byVariant.get(name);
  if (known) return known;
  const products = new Map<ProductType, Decided>();
  byVariant.set(name, products);
  return products;
}

/** By the variant's model, once a snapshot; null while it is not warm. */
function foresightOf(
  { cells, models }: VariantParts,
  { snapshot, foresight, byModel }: RegionPrices,
  modelVersion: ModelVersion | null,
  anew: boolean,
): Foresight | null {
  if (modelVersion === null) return anew ? cells.foresee(snapshot) : foresight;
  const known = byModel.get(modelVersion);
  if (known && !anew) return known;
  const model = models.warm(modelVersion);
  if (!model) return null;
  const made = cells.foresee(snapshot, model);
  byModel.set(modelVersion, made);
  return made;
}
