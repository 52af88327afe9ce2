import { fitCurves } from "./fit-curves.ts";
import { loadBookingGroups } from "./tables.ts";

/**
 * Prints the curves of rules/packs/hospitality.yaml, fitted to arrivals before 2017:
 *
 *     node data/hotel/fit.ts
 */
const groups = await loadBookingGroups();
const fitted = fitCurves(groups.filter(({ year }) => year < 2017));
process.stdout.write(`${JSON.stringify(fitted, null, 1)}\n`);
