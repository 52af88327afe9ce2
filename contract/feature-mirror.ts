/**
 * The online features of a region in Redis: hash `features:<region>`, gone 120 s of wall time after it was written.
 *
 * A copy for others to read: models that run elsewhere, notebooks, dashboards. Nothing of this product reads it. A hash is of one
 * snapshot, never of two, and what a region does not know is not in it.
 */
import * as z from "zod";
import { FEATURE_NAMES } from "../domain/features.ts";
import type { FeatureSnapshot } from "../domain/snapshot.ts";
import { instantText } from "./names.ts";

export const MIRROR_TTL_S = 120;

/** The key of a region's features. */
export const featuresKey = (regionId: string) => `features:${regionId}`;

/** Beside one field for each feature that is known, named as domain/features.ts names it. */
const frame = {
  /** Number of the region's snapshot. */
  tick: z.coerce.number().int().positive(),
  /** Event time of the features, RFC 3339. */
  as_of: z.iso.datetime(),
  /** Wall clock, RFC 3339. */
  made_at: z.iso.datetime(),
  feature_set_version: z.string().min(1),
};
const frameSchema = z.object(frame);
const valueSchema = z.coerce.number();

export type MirroredFeatures = z.infer<typeof frameSchema> & {
  region_id: string;
  /** By name; null where the region does not know. */
  features: Record<(typeof FEATURE_NAMES)[number], number | null>;
};

/** The fields of a region's hash. */
export function mirrorFieldsFrom(snapshot: FeatureSnapshot): Record<string, string> {
  const { tick, asOf, madeAt, featureSetVersion, features } = snapshot;
  const known = FEATURE_NAMES.flatMap((name, i) => {
    const value = features[i] ?? null;
    return value === null ? [] : [[name, String(value)] as const];
  });
  return {
    tick: String(tick),
    as_of: instantText(asOf),
    made_at: instantText(madeAt),
    feature_set_version: featureSetVersion,
    ...Object.fromEntries(known),
  };
}

/**
 * What HGETALL of `featuresKey(regionId)` says; null when there is nothing, because the region has been silent for 120 s.
 * Clients that turn texts into numbers may. Throws ZodError on a hash that is something else.
 */
export function readMirroredFeatures(
  regionId: string,
  hash: Record<string, unknown> | null,
): MirroredFeatures | null {
  if (hash === null || Object.keys(hash).length === 0) return null;
  const features = Object.fromEntries(
    FEATURE_NAMES.map((name) => [name, name in hash ? valueSchema.parse(hash[name]) : null]),
  ) as MirroredFeatures["features"];
  return { ...frameSchema.parse(hash), region_id: regionId, features };
}
