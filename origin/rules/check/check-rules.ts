/** Everything that can be said of a rules file before it is pushed. */
import { rulesDocumentFrom } from "../../../contract/rules.ts";
import type { Region } from "../../../domain/region.ts";
import { faultsInRegions, faultsOf, warningsOf } from "../../../domain/rule-faults.ts";
import type { EpochMs } from "../../../domain/units.ts";
import { byPosition, type Finding, type Severity } from "./findings.ts";
import type { RulesFile } from "./rules-file.ts";
import { suspicionsIn, suspicionsInRegions } from "./suspicions.ts";

interface Remark {
  path: string;
  reason: string;
  detail: string;
}

/**
 * Errors make the edge refuse the document; warnings are for its author. Of a file that is no YAML or has not the shape of rules,
 * only that is told.
 *
 * @param regions those it is for; null when that is not known
 * @param now layers that ended before it are named
 */
export function checkRules(
  file: RulesFile,
  regions: readonly Region[] | null,
  now: EpochMs,
): Finding[] {
  const found = (severity: Severity, remarks: readonly Remark[]) =>
    remarks.map((remark): Finding => ({ severity, ...remark, ...file.positionOf(remark.path) }));
  if (file.syntaxErrors.length > 0) {
    return file.syntaxErrors.map((error) => ({
      ...{ severity: "error", reason: "syntax", path: "" },
      ...error,
    }));
  }
  const document = rulesDocumentFrom(file.json);
  if (Array.isArray(document)) {
    return found(
      "error",
      document.map((error) => ({ reason: "schema", ...error })),
    ).sort(byPosition);
  }
  const faults = faultsOf(document);
  const inRegions = faults.length === 0 && regions ? faultsInRegions(document, regions) : [];
  const warnings = warningsOf(document, now);
  const suspicions = faults.length === 0 ? suspicionsIn(document) : [];
  const elsewhere = regions ? suspicionsInRegions(document, regions) : [];
  return [
    ...found("error", [...faults, ...inRegions]),
    ...found("warning", [...warnings, ...suspicions, ...elsewhere]),
  ].sort(byPosition);
}
