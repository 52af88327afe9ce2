import { describe, expect, it } from "vitest";
import { snapshotForProduct } from "../../domain/snapshot.ts";
import type { ProductType } from "../../domain/units.ts";
import { snapshot } from "../support/decision-samples.ts";

describe("snapshotForProduct()", () => {
  it("leaves out what is known of other products, and nothing else", () => {
    const mug = { stock: null, competitorPrice: null };
    const full = snapshot({ products: { mug, lamp: mug } });
    const { products, ...context } = snapshotForProduct(full, "mug" as ProductType).context;
    expect(products).toEqual({ mug });
    expect({ ...full, context }).toEqual({
      ...full,
      context: { ...full.context, products: undefined },
    });
    expect(snapshotForProduct(full, "chair" as ProductType).context.products).toEqual({});
  });
});
