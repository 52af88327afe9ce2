import * as z from "zod";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import type { RegionId } from "../../domain/units.ts";

/** What is looked at to know a snapshot when one is seen; the aggregator wrote it, with all of its fields. */
const copySchema = z.looseObject({
  regionId: z.string(),
  tick: z.int().min(1),
  asOf: z.number(),
  madeAt: z.number(),
  featureSetVersion: z.string(),
  features: z.array(z.number().nullable()),
  usual: z.array(z.number().nullable()),
  signals: z.looseObject({}),
  context: z.looseObject({}),
  told: z.looseObject({}),
  lows: z.looseObject({}),
});

/** The snapshot that a region's object left in KV, or null when the text is none of this region. */
export function snapshotFromCopy(text: string, regionId: RegionId): FeatureSnapshot | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = copySchema.safeParse(json);
  return parsed.success && parsed.data.regionId === regionId ? (json as FeatureSnapshot) : null;
}
