/** The emergency document: caps and freezes, on the wire and in KV. */
import { createHash } from "node:crypto";
import * as z from "zod";
import type { EmergencyDocument, VersionedEmergency } from "../domain/emergency.ts";
import type { EmergencyVersion } from "../domain/units.ts";
import { productTypeSchema, regionIdSchema } from "./names.ts";
import { type FieldError, fieldErrorsFrom } from "./problem.ts";

const measure = {
  name: z.string().regex(/^[a-z0-9-]{1,64}$/, "1 to 64 lower-case letters, digits and hyphens."),
  /** What it is for; what is not named is everywhere. */
  for: z
    .strictObject({
      regions: z.array(regionIdSchema).min(1).max(10_000).optional(),
      products: z.array(productTypeSchema).min(1).max(64).optional(),
    })
    .default({}),
  /** For whoever asks why. */
  reason: z.string().min(1).max(500),
  by: z.string().min(1).max(64).optional(),
  at: z.iso.datetime({ offset: true }).optional(),
};

export const capSchema = z
  .strictObject({
    ...measure,
    max_multiplier: z.number().positive().max(100).optional(),
    max_price: z.number().positive().max(1_000_000_000).optional(),
  })
  .refine(
    ({ max_multiplier, max_price }) => max_multiplier !== undefined || max_price !== undefined,
    "A cap has a max_multiplier, a max_price or both.",
  );

export const freezeSchema = z.strictObject({
  ...measure,
  hold: z.enum(["last", "base"]).default("last"),
});

export const emergencyDocumentSchema = z.strictObject({
  caps: z.array(capSchema).max(1_000).default([]),
  freezes: z.array(freezeSchema).max(1_000).default([]),
});
export type EmergencyDocumentInput = z.input<typeof emergencyDocumentSchema>;

/** A document of measures from JSON, or what is wrong with it. */
export function emergencyFrom(json: unknown): VersionedEmergency | FieldError[] {
  const parsed = emergencyDocumentSchema.safeParse(json);
  if (!parsed.success) return fieldErrorsFrom(parsed.error);
  const { caps, freezes } = parsed.data;
  const names = [...caps, ...freezes].map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) return [{ path: "", detail: `Two measures are called "${twice}".` }];
  const common = (one: (typeof caps)[number] | (typeof freezes)[number]) => ({
    name: one.name,
    scope: { regions: one.for.regions ?? null, products: one.for.products ?? null },
    reason: one.reason,
  });
  const document: EmergencyDocument = {
    caps: caps.map((cap) => ({
      ...common(cap),
      maxMultiplier: cap.max_multiplier ?? null,
      maxPrice: cap.max_price ?? null,
    })),
    freezes: freezes.map((freeze) => ({ ...common(freeze), hold: freeze.hold })),
  };
  return { version: emergencyVersionOf(json), document };
}

/** A hash of the document's JSON. */
export function emergencyVersionOf(json: unknown): EmergencyVersion {
  const digest = createHash("sha256").update(JSON.stringify(json)).digest("hex");
  return `emg_${digest.slice(0, 12)}` as EmergencyVersion;
}
