/** Who may use which route: the table is written out here, so that a change of access is a change of this file. */
import { exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { OPERATION_SCHEMAS } from "../../../contract/operation-schemas.ts";
import { OPERATIONS, type OperationId } from "../../../contract/operations.ts";
import { SHIPPED } from "../../../workers/pricing/documents.ts";
import { TEST_KEYS } from "../../support/test-keys.ts";
import { migrate } from "./migrate.ts";

/** Nobody needs a key. */
const OPEN = "open";
const ROLES = [
  "admin",
  "pricing",
  "ingest",
  "public",
  "viewer",
  "analyst",
  "pricing-manager",
  "operator",
] as const;

/** The roles that may, by route. `pm` is pricing-manager. */
const MAY: Record<OperationId, string> = {
  postEvents: "admin ingest public",
  readEventSchema: OPEN,
  computePrice: "admin pricing public analyst pricing-manager",
  computePrices: "admin pricing public analyst pricing-manager",
  createQuote: "admin pricing public",
  verifyQuote: "admin pricing public",
  redeemQuote: "admin pricing",
  explainPrice: "admin pricing viewer analyst pricing-manager operator",
  forecastDemand: "admin pricing viewer analyst pricing-manager operator",
  listRegions: "admin pricing viewer analyst pricing-manager operator",
  readDemand: "admin pricing viewer analyst pricing-manager operator",
  listModels: "admin viewer analyst pricing-manager operator",
  registerModel: "admin operator",
  publishModel: "admin operator",
  readRules: "admin viewer analyst pricing-manager operator",
  publishRules: "admin pricing-manager",
  listRules: "admin viewer analyst pricing-manager operator",
  readRulesVersion: "admin viewer analyst pricing-manager operator",
  rollBackRules: "admin pricing-manager",
  readEmergency: "admin viewer analyst pricing-manager operator",
  publishEmergency: "admin pricing-manager operator",
  readRegions: "admin viewer analyst pricing-manager operator",
  readFeatures: "admin viewer analyst pricing-manager operator",
  publishRegions: "admin operator",
  readExperiments: "admin viewer analyst pricing-manager operator",
  publishExperiments: "admin pricing-manager",
  startExperiment: "admin pricing-manager",
  stopExperiment: "admin pricing-manager",
  rampExperiment: "admin pricing-manager",
  listExposures: "admin analyst pricing-manager",
  seedHistory: "admin operator",
  replayParcels: "admin operator",
  readReplay: "admin operator",
  readChange: "admin analyst pricing-manager operator",
  listChanges: "admin analyst pricing-manager operator",
  listDecisions: "admin viewer analyst pricing-manager operator",
  exportDecisions: "admin analyst pricing-manager",
  listDecisionSegments: "admin analyst pricing-manager",
  readDecisionSegment: "admin analyst pricing-manager",
  listKeys: "admin",
  makeKey: "admin",
  readKey: "admin",
  rotateKey: "admin",
  revokeKey: "admin",
  listDeadLetters: "admin operator",
  readDeadLetter: "admin operator",
  redriveDeadLetter: "admin operator",
  redriveDeadLetters: "admin operator",
  purgeDeadLetter: "admin operator",
  purgeDeadLetters: "admin operator",
  listDeadLetterActions: "admin operator",
  listLateEvents: "admin operator",
  listLogWriters: "admin operator",
  listSegments: "admin operator",
  readSegment: "admin operator",
  // It wants a key in its own way, and no Authorization: Bearer.
  issueToken: OPEN,
  readSigningKeys: OPEN,
  health: OPEN,
  readiness: OPEN,
  metrics: "admin pricing ingest viewer analyst pricing-manager operator",
  openApi: OPEN,
  docs: OPEN,
  problems: OPEN,
};

/** Routes that concern every region: a key for some of them may not use them, whatever its role. */
const FOR_EVERY_REGION: OperationId[] = [
  "listDecisionSegments",
  "readDecisionSegment",
  "registerModel",
  "publishModel",
  "publishRules",
  "rollBackRules",
  "publishEmergency",
  "publishRegions",
  "listKeys",
  "makeKey",
  "readKey",
  "rotateKey",
  "revokeKey",
  "publishExperiments",
  "startExperiment",
  "stopExperiment",
  "rampExperiment",
  "listExposures",
  "listDeadLetters",
  "readDeadLetter",
  "redriveDeadLetter",
  "redriveDeadLetters",
  "purgeDeadLetter",
  "purgeDeadLetters",
  "listDeadLetterActions",
  "listLogWriters",
  "listSegments",
  "readSegment",
];

/** Lists that are of every region, unless the request names one. */
const OF_EVERY_REGION_UNLESS_NAMED: OperationId[] = [
  "listLateEvents",
  "listDecisions",
  "exportDecisions",
];

/** A request that gets past the door; what it asks for is nonsense, so that nothing comes of it. */
function ask(id: OperationId, key: string | null): Promise<Response> {
  const { method, path } = OPERATIONS[id];
  const [contentType] = Object.keys(OPERATION_SCHEMAS[id].body ?? {});
  const headers = new Headers(key === null ? {} : { authorization: `Bearer ${key}` });
  if (contentType) headers.set("content-type", contentType);
  const address = `https://pricing.test${path
    .replace("{region_id}", "nyc-161")
    .replaceAll(/\{\w+\}/g, "nothing")}`;
  const body = contentType ? { body: "{" } : {};
  return exports.default.fetch(address, { method, headers, ...body });
}

async function typeOf(response: Response): Promise<string> {
  const { type } = (await response.json()) as { type: string };
  return type.replace("/docs/problems#", "");
}

beforeAll(async () => {
  await migrate();
  const published = await exports.default.fetch("https://pricing.test/admin/v1/regions", {
    method: "PUT",
    headers: {
      authorization: `Bearer ${TEST_KEYS.admin}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(SHIPPED.regions.document),
  });
  expect(published.status).toBe(200);
}, 60_000);

const ids = Object.keys(MAY) as OperationId[];

describe("access", () => {
  it("has a row for every route there is", () => {
    expect(ids.toSorted()).toEqual(Object.keys(OPERATIONS).toSorted());
  });

  it.each(ids)("to %s is for the roles of its row, and for nobody without a key", async (id) => {
    const isOpen = MAY[id] === OPEN;
    const may = MAY[id].split(" ");
    const anonymous = await ask(id, null);
    const unknown = await ask(id, "nobodys-key");
    if (isOpen) expect([401, 403]).not.toContain(anonymous.status);
    for (const response of isOpen ? [] : [anonymous, unknown]) {
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
      expect(await typeOf(response)).toBe("unauthenticated");
    }
    for (const role of ROLES) {
      const response = await ask(id, TEST_KEYS[role]);
      expect([role, response.status === 403]).toEqual([role, !isOpen && !may.includes(role)]);
      expect(response.status).not.toBe(401);
      if (response.status === 403) expect(await typeOf(response)).toBe("forbidden");
    }
  });

  it.each(ids)("to %s with a key for one region is refused where it concerns all", async (id) => {
    const response = await ask(id, TEST_KEYS["scoped-admin"]);
    if (FOR_EVERY_REGION.includes(id)) expect(await typeOf(response)).toBe("forbidden_region");
    else if (OF_EVERY_REGION_UNLESS_NAMED.includes(id)) expect(response.status).toBe(403);
    else expect([401, 403]).not.toContain(response.status);
  });
});
