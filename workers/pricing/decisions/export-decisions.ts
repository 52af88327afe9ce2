/** GET /admin/v1/decisions/export */
import {
  EXPORT_CONTENT_TYPES,
  type ExportFormat,
  exportHeading,
  exportLines,
} from "../../../contract/decision-lines.ts";
import {
  type DecisionSelection,
  decisionsExportQuerySchema,
  listedDecisionFrom,
} from "../../../contract/decision-view.ts";
import { unavailable } from "../admin/config-changes.ts";
import type { Place } from "../keyset.ts";
import { checkedQuery } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { forbiddenSelection } from "./forbidden-selection.ts";
import type { AuditPorts } from "./list-decisions.ts";
import { type SelectedDecision, selectDecisions } from "./select-decisions.ts";

/** Held in memory at a time; some 300 KB of text. */
const ROWS_AT_ONCE = 1_000;

/**
 * Streams every decision that is meant, a page at a time, as fast as it is read. The first page is read before the answer begins, so a
 * database that is down is a 503; one that goes away later breaks the answer off, so that half a file is not taken for a whole one.
 */
export function exportDecisions({ database, databaseDependency }: AuditPorts): Handler {
  return async ({ request, principal }) => {
    const query = checkedQuery(decisionsExportQuerySchema, request);
    if ("type" in query) return query;
    const { format, ...selection } = query.value;
    const outside = forbiddenSelection(principal, selection);
    if (outside !== null) return outside;
    const pageBehind = (place: Place | null) =>
      databaseDependency.ask(async () => selectDecisions(database, selection, place, ROWS_AT_ONCE));
    const first = await pageBehind(null);
    if (!first.ok) return unavailable(first);
    const body = streamOf(format, first.value, async (place) => {
      const page = await pageBehind(place);
      if (!page.ok) throw new Error(`the export broke off: ${page.detail}`);
      return page.value;
    });
    const headers = {
      "content-type": EXPORT_CONTENT_TYPES[format],
      "content-disposition": `attachment; filename="${fileNameOf(selection, format)}"`,
      "cache-control": "no-store",
    };
    return new Response(body, { headers });
  };
}

type Page = readonly SelectedDecision[];

/** Asks for the next page only when the one before was taken. */
function streamOf(
  format: ExportFormat,
  first: Page,
  next: (place: Place) => Promise<Page>,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let place: Place | null = null;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const page: Page = place === null ? first : await next(place);
        const heading = place === null ? exportHeading(format) : "";
        const text = heading + exportLines(format, page.map(listedDecisionFrom));
        if (text !== "") controller.enqueue(encoder.encode(text));
        const last = page.at(-1);
        if (last && page.length === ROWS_AT_ONCE) {
          place = { at: last.decidedAt, id: String(last.rowid) };
        } else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

function fileNameOf({ region_id }: DecisionSelection, format: ExportFormat): string {
  return `decisions${region_id === undefined ? "" : `-${region_id}`}.${format}`;
}
