/** What a check found, as compilers print it: `rules/x.yaml:14:7 error conflict: ...`. */
import type { Position } from "./rules-file.ts";

export type Severity = "error" | "warning";

export interface Finding extends Position {
  severity: Severity;
  /** `conflict`, `unreachable` and the like. */
  reason: string;
  /** `rules[2].constraints.max_multiplier`; empty where it is the file as a whole. */
  path: string;
  detail: string;
}

/** A line for each finding. */
export function findingsText(file: string, findings: readonly Finding[]): string {
  return findings
    .map(({ line, column, severity, reason, path, detail }) => {
      const where = path === "" ? "" : `${path}: `;
      return `${file}:${line}:${column} ${severity} ${reason}: ${where}${detail}`;
    })
    .join("\n");
}

export function countOf(findings: readonly Finding[], severity: Severity): number {
  return findings.filter((finding) => finding.severity === severity).length;
}

/** In the order of the file. */
export function byPosition(a: Finding, b: Finding): number {
  return a.line - b.line || a.column - b.column || a.path.localeCompare(b.path);
}
