/** Rules by what people call them: a file, a version in KV, or `current`. */
import { rulesFrom } from "../../../contract/rules.ts";
import type { VersionedRules } from "../../../domain/rules.ts";
import { readRulesFile } from "../../publication/read-rules-file.ts";
import { isRefusal, readVersion } from "../store/published-rules.ts";
import { kvOf, type PlaceFlags } from "./place-options.ts";

/** Throws where there are none of the name, or they cannot be used. */
export async function loadNamedRules(name: string, flags: PlaceFlags): Promise<VersionedRules> {
  const isInKv = name === "current" || /^rul_[0-9a-f]{12}$/.test(name);
  const json = isInKv ? await readVersion(kvOf(flags), name) : await readRulesFile(name);
  if (isInKv && isRefusal(json)) throw new Error(json.detail);
  const rules = rulesFrom(json);
  if (!Array.isArray(rules)) return rules;
  const faults = rules.map(({ path, detail }) => `\n  ${path}: ${detail}`);
  throw new Error(`${name} cannot be used (validate says where):${faults.join("")}`);
}
