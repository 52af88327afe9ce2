/** Decisions as files for others: a JSON document a line, or CSV with a heading. */
import { stringify } from "csv-stringify/sync";
import { type EXPORT_FORMATS, type ListedDecision, listedDecisionSchema } from "./decision-view.ts";

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const EXPORT_CONTENT_TYPES: Record<ExportFormat, string> = {
  ndjson: "application/x-ndjson",
  csv: "text/csv; charset=utf-8; header=present",
};

const COLUMNS = Object.keys(listedDecisionSchema.shape);

/** What a file begins with. */
export function exportHeading(format: ExportFormat): string {
  return format === "csv" ? stringify([COLUMNS]) : "";
}

/** Lines of a file, each with its end. Text that a spreadsheet would take for a formula is marked as text. */
export function exportLines(format: ExportFormat, decisions: readonly ListedDecision[]): string {
  return format === "csv"
    ? stringify([...decisions], { columns: COLUMNS, escape_formulas: true })
    : decisions.map((one) => `${JSON.stringify(one)}\n`).join("");
}
