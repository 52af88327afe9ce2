/** How ids look on the wire. */
import * as z from "zod";
import type { EpochMs, ProductType, RegionId } from "../domain/units.ts";

export const regionIdSchema = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, "A region id has 1 to 64 lower-case letters, digits and hyphens.")
  .transform((text) => text as RegionId);

export const productTypeSchema = z
  .string()
  .regex(
    /^[a-z0-9_]{1,64}$/,
    "A product type has 1 to 64 lower-case letters, digits and underscores.",
  )
  .transform((text) => text as ProductType);

export const personIdSchema = z.string().min(1).max(128);

/** RFC 3339; an offset is allowed, `Z` is usual. As text, for documents that are kept as they were written. */
export const instantTextSchema = z.iso.datetime({
  offset: true,
  error: "Not an RFC 3339 time such as 2026-01-11T10:30:00Z.",
});

/** The same, as an instant. */
export const instantSchema = instantTextSchema.transform((text) => Date.parse(text) as EpochMs);

/** An instant as the wire writes it. */
export function instantText(at: number): string {
  return new Date(at).toISOString();
}
