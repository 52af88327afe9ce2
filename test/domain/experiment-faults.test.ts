import { describe, expect, it } from "vitest";
import { type Experiment, runningFor } from "../../domain/experiment.ts";
import {
  faultsOfChange,
  faultsOfExperiments,
  faultsOfPlaces,
} from "../../domain/experiment-faults.ts";
import type { Region } from "../../domain/region.ts";
import type {
  ExperimentId,
  ModelVersion,
  ProductType,
  RegionId,
  RulesVersion,
} from "../../domain/units.ts";
import { experiment, variant } from "../support/experiment-samples.ts";

const id = (text: string) => text as ExperimentId;
const regions = (...names: string[]) => new Set(names as RegionId[]);
const products = (...names: string[]) => new Set(names as ProductType[]);
const one = (fields: Partial<Experiment> = {}) =>
  experiment({ experimentId: id("exp_one"), salt: "one", ...fields });
const other = (fields: Partial<Experiment> = {}) =>
  experiment({ experimentId: id("exp_other"), salt: "other", ...fields });
const documentOf = (...experiments: Experiment[]) => ({ holdout: null, experiments });

describe("faultsOfExperiments()", () => {
  it.each([
    {
      name: "two of one id",
      document: documentOf(one({ status: "stopped" }), other({ experimentId: id("exp_one") })),
      fault: { path: "experiments[1].id", reason: "repeated_id" },
    },
    {
      name: "two of one salt",
      document: documentOf(one({ status: "stopped" }), other({ salt: "one" })),
      fault: { path: "experiments[1].salt", reason: "shared_salt" },
    },
    {
      name: "the salt of the holdout",
      document: { holdout: { salt: "one", share: 0.1 }, experiments: [one()] },
      fault: { path: "experiments[0].salt", reason: "shared_salt" },
    },
    {
      name: "two variants of one name",
      document: documentOf(one({ variants: [variant("a"), variant("b"), variant("a")] })),
      fault: { path: "experiments[0].variants[2].name", reason: "repeated_variant" },
    },
    {
      name: "two that run everywhere",
      document: documentOf(one(), other()),
      fault: { path: "experiments[1].for", reason: "overlap" },
    },
    {
      name: "one that runs everywhere, and one in a region",
      document: documentOf(one(), other({ regions: regions("nyc-161") })),
      fault: { path: "experiments[1].for", reason: "overlap" },
    },
    {
      name: "two for a product that share a region",
      document: documentOf(
        one({ regions: regions("nyc-1", "nyc-2"), productTypes: products("ride") }),
        other({ regions: regions("nyc-2", "nyc-3") }),
      ),
      fault: {
        path: "experiments[1].for",
        reason: "overlap",
        detail: "exp_one is running for ride in nyc-2; one experiment can be at a time",
      },
    },
    {
      name: "more models than are kept warm",
      document: documentOf(
        one({
          variants: ["mdl_1", "mdl_2", "mdl_3"].map((version) => ({
            ...variant(version),
            modelVersion: version as ModelVersion,
          })),
        }),
      ),
      fault: { path: "experiments", reason: "too_many_models" },
    },
  ])("refuses $name", ({ document, fault }) => {
    expect(faultsOfExperiments(document)).toEqual([expect.objectContaining(fault)]);
  });

  it.each([
    {
      name: "two in regions apart",
      document: documentOf(one({ regions: regions("a") }), other({ regions: regions("b") })),
    },
    {
      name: "two for products apart in the same region",
      document: documentOf(
        one({ regions: regions("a"), productTypes: products("ride") }),
        other({ regions: regions("a"), productTypes: products("premium") }),
      ),
    },
    {
      name: "two of which one is stopped",
      document: documentOf(one(), other({ status: "stopped" })),
    },
  ])("takes $name", ({ document }) => {
    expect(faultsOfExperiments(document)).toEqual([]);
  });
});

describe("runningFor()", () => {
  const document = documentOf(
    one({ regions: regions("a"), productTypes: products("ride") }),
    other({ status: "stopped" }),
  );
  it("finds the experiment of a region and a product, and none elsewhere or that is stopped", () => {
    expect(runningFor(document, "a" as RegionId, "ride" as ProductType)?.experimentId).toBe(
      "exp_one",
    );
    expect(runningFor(document, "b" as RegionId, "ride" as ProductType)).toBeNull();
    expect(runningFor(document, "a" as RegionId, "premium" as ProductType)).toBeNull();
  });
});

describe("faultsOfChange()", () => {
  const steeper = { ...variant("steeper"), rulesVersion: "rul_000000000001" as RulesVersion };
  it.each([
    { field: "salt", change: { salt: "another" } },
    { field: "variants", change: { variants: [variant("control"), variant("steeper", 2)] } },
    { field: "variants", change: { variants: [variant("control"), steeper] } },
    { field: "for.regions", change: { regions: regions("a") } },
    { field: "for.products", change: { productTypes: products("ride") } },
  ])("refuses another $field once an experiment has begun", ({ field, change }) => {
    const faults = faultsOfChange(documentOf(one()), documentOf(one(change)));
    expect(faults).toEqual([
      expect.objectContaining({ path: `experiments[0].${field}`, reason: "moves_users" }),
    ]);
  });

  it("takes any change of one that never began, and more traffic, a stop or a removal of one that did", () => {
    const sketch = one({ status: "stopped", hasStarted: false });
    expect(faultsOfChange(documentOf(sketch), documentOf(one({ salt: "another" })))).toEqual([]);
    expect(faultsOfChange(documentOf(one({ traffic: 0.1 })), documentOf(one()))).toEqual([]);
    expect(faultsOfChange(documentOf(one()), documentOf(one({ status: "stopped" })))).toEqual([]);
    expect(faultsOfChange(documentOf(one()), documentOf())).toEqual([]);
  });
});

describe("faultsOfPlaces()", () => {
  const known = new Map<RegionId, Region>([
    [
      "a" as RegionId,
      {
        ...{ regionId: "a" as RegionId, name: "A", timeZone: "UTC", currency: "USD" },
        productTypes: ["ride" as ProductType],
      },
    ],
  ]);
  it("names regions and products that there are not", () => {
    const document = documentOf(
      one({ regions: regions("a", "b"), productTypes: products("boat") }),
    );
    expect(faultsOfPlaces(document, known)).toMatchObject([
      {
        path: "experiments[0].for.regions",
        reason: "unknown_region",
        detail: "no region is called b",
      },
      { path: "experiments[0].for.products", reason: "unknown_product" },
    ]);
    expect(faultsOfPlaces(documentOf(one({ regions: regions("a") })), known)).toEqual([]);
  });
});
