import { writeFile } from "node:fs/promises";
import { type RegionsDocument, regionsDocumentSchema } from "../../contract/regions.ts";
import { NEW_YORK_TIME_ZONE } from "./period.ts";
import { loadZones } from "./tables.ts";

/**
 * Writes the regions document of the demo from the zones, busiest first:
 *
 *     node data/nyc/regions.ts
 */
const document: RegionsDocument = {
  regions: (await loadZones()).map(({ regionId, name }) => ({
    region_id: regionId,
    name,
    timezone: NEW_YORK_TIME_ZONE,
    currency: "USD",
    product_types: ["standard_ride", "premium_ride"],
  })),
};
regionsDocumentSchema.parse(document);

// One region a line, so that a change reads well in a diff.
const lines = document.regions.map((region) => JSON.stringify(region));
const text = `{"regions":[\n${lines.join(",\n")}\n]}\n`;
await writeFile(new URL("regions.json", import.meta.url), text);
