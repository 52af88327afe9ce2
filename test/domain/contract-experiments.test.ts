import { describe, expect, it } from "vitest";
import { experimentsFrom } from "../../contract/experiments.ts";

const steeper = {
  id: "exp_steeper",
  salt: "steeper-1",
  status: "running",
  for: { regions: ["nyc-161"], products: ["standard_ride"] },
  traffic: 0.5,
  variants: [
    { name: "control", weight: 1 },
    { name: "steeper", weight: 2, rules_version: "rul_0123456789ab" },
    { name: "newer", model_version: "mdl_0123456789ab" },
  ],
};
const documentOf = (...experiments: object[]) => ({ experiments });

describe("experimentsFrom()", () => {
  it("reads a document, with what is left out filled in", () => {
    const read = experimentsFrom({
      holdout: { salt: "holdout-1", share: 0.05 },
      ...documentOf(steeper),
    });
    expect(read).toMatchObject({
      version: expect.stringMatching(/^exs_[0-9a-f]{12}$/),
      document: {
        holdout: { salt: "holdout-1", share: 0.05 },
        experiments: [
          {
            experimentId: "exp_steeper",
            hasStarted: true,
            variants: [
              { name: "control", weight: 1, rulesVersion: null, modelVersion: null },
              { name: "steeper", weight: 2, rulesVersion: "rul_0123456789ab" },
              { name: "newer", weight: 1, modelVersion: "mdl_0123456789ab" },
            ],
          },
        ],
      },
    });
  });

  it("calls equal documents by one version, and others by another", () => {
    const versionOf = (json: unknown) => {
      const read = experimentsFrom(json);
      return Array.isArray(read) ? read : read.version;
    };
    expect(versionOf(documentOf(steeper))).toBe(versionOf(documentOf({ ...steeper })));
    expect(versionOf(documentOf(steeper))).not.toBe(
      versionOf(documentOf({ ...steeper, traffic: 0.6 })),
    );
  });

  it.each([
    { path: "experiments[0].id", change: { id: "steeper" } },
    { path: "experiments[0].id", change: { id: "exp_one.two" } },
    { path: "experiments[0].salt", change: { salt: "" } },
    { path: "experiments[0].traffic", change: { traffic: 1.1 } },
    { path: "experiments[0].status", change: { status: "paused" } },
    { path: "experiments[0].variants", change: { variants: [{ name: "control" }] } },
    {
      path: "experiments[0].variants[0].weight",
      change: { variants: [{ name: "control", weight: 0 }, { name: "steeper" }] },
    },
    {
      path: "experiments[0].variants[1].rules_version",
      change: { variants: [{ name: "control" }, { name: "steeper", rules_version: "latest" }] },
    },
    {
      path: "experiments[0].variants[1].name",
      change: { variants: [{ name: "control" }, { name: "a~b" }] },
    },
    { path: "experiments[0].for.regions", change: { for: { regions: [] } } },
    { path: "experiments[0].trafic", change: { trafic: 1 } },
  ])("names $path when it does not fit", ({ path, change }) => {
    const read = experimentsFrom(documentOf({ ...steeper, ...change }));
    expect(read).toEqual([{ path, detail: expect.any(String) }]);
  });

  it("names the place of what contradicts", () => {
    const again = { ...steeper, id: "exp_again", salt: "again-1" };
    expect(experimentsFrom(documentOf(steeper, again))).toEqual([
      { path: "experiments[1].for", detail: expect.stringContaining("exp_steeper is running") },
    ]);
  });
});
