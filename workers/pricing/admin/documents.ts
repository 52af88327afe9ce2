/** Rules and regions: PUT puts a document in force, GET shows the one that is. */
import { MAX_REGIONS_BODY_BYTES, MAX_RULES_BODY_BYTES } from "../../../contract/admin.ts";
import type { FieldError } from "../../../contract/problem.ts";
import { regionsKey, rulesKey } from "../../../contract/store-keys.ts";
import { faultsInRegions } from "../../../domain/rule-faults.ts";
import type { RulesDocument } from "../../../domain/rules.ts";
import { type KnownRegions, knownRegionsFrom, knownRulesFrom } from "../documents.ts";
import { readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { type AdminPorts, answered, keyIdOf, putInForce, tagged } from "./config-changes.ts";

/** PUT /admin/v1/rules: refused when the rules are unsound, or do not price a region that was published. */
export function publishRules(ports: AdminPorts): Handler {
  return async (call) => {
    const body = await readJson(call.request, MAX_RULES_BODY_BYTES);
    if (!("json" in body)) return body;
    const rules = knownRulesFrom(body.json);
    if (Array.isArray(rules)) return { type: "invalid_rules", errors: rules };
    await ports.catalog.renewIfUnknown();
    const { regions } = ports.catalog.inForce();
    const errors = ports.catalog.published().regions ? faultsTogether(rules.document, regions) : [];
    if (errors.length > 0) return { type: "invalid_rules", errors };
    const document = { key: rulesKey(rules.version), text: JSON.stringify(rules.json) };
    return answered(
      await putInForce(ports, {
        what: "rules",
        version: rules.version,
        by: keyIdOf(call),
        request: call.request,
        document,
      }),
    );
  };
}

/** GET /admin/v1/rules */
export function readRules({ catalog }: AdminPorts): Handler {
  return async () => {
    await catalog.renewIfUnknown();
    if (catalog.published().rules === null) return { type: "not_published" };
    const { version, json } = catalog.inForce().rules;
    return tagged(version, { version, document: json });
  };
}

/** GET /admin/v1/regions */
export function readRegions({ catalog }: AdminPorts): Handler {
  return async () => {
    await catalog.renewIfUnknown();
    if (catalog.published().regions === null) return { type: "not_published" };
    const { version, document } = catalog.inForce().regions;
    return tagged(version, { version, document });
  };
}

/** PUT /admin/v1/regions: refused when rules that were published do not price one of them. */
export function publishRegions(ports: AdminPorts): Handler {
  return async (call) => {
    const body = await readJson(call.request, MAX_REGIONS_BODY_BYTES);
    if (!("json" in body)) return body;
    const regions = knownRegionsFrom(body.json);
    if (Array.isArray(regions)) return { type: "invalid_request", errors: regions };
    await ports.catalog.renewIfUnknown();
    const { rules } = ports.catalog.inForce();
    const errors = ports.catalog.published().rules ? faultsTogether(rules.document, regions) : [];
    if (errors.length > 0) {
      const detail = "The rules in force do not price all of them; publish rules that do first.";
      return { type: "invalid_request", detail, errors };
    }
    const { version } = regions;
    const document = { key: regionsKey(version), text: JSON.stringify(regions.document) };
    return answered(
      await putInForce(ports, {
        what: "regions",
        version,
        by: keyIdOf(call),
        request: call.request,
        document,
      }),
    );
  };
}

const MAX_LISTED_FAULTS = 50;

export function faultsTogether(document: RulesDocument, regions: KnownRegions): FieldError[] {
  return faultsInRegions(document, regions.byId.values())
    .slice(0, MAX_LISTED_FAULTS)
    .map(({ path, detail }) => ({ path, detail }));
}
