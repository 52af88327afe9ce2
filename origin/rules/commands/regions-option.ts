import { regionsDocumentSchema, regionsFrom } from "../../../contract/regions.ts";
import type { Region } from "../../../domain/region.ts";
import { loadRegions } from "../../publication/shipped-files.ts";

/** The regions of a document. Throws on a file that holds something else. */
export async function loadRegionsOf(path: string): Promise<Region[]> {
  const { value } = await loadRegions(path);
  return [...regionsFrom(regionsDocumentSchema.parse(value)).values()];
}
