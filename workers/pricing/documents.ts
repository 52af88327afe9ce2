/** Rules and regions as this Worker knows them, and the ones it was built with. */

import { emergencyFrom } from "../../contract/emergency.ts";
import { type FieldError, fieldErrorsFrom } from "../../contract/problem.ts";
import {
  type RegionsDocument,
  regionsDocumentSchema,
  regionsFrom,
  regionsVersionOf,
} from "../../contract/regions.ts";
import { rulesFrom } from "../../contract/rules.ts";
import shippedRegions from "../../data/nyc/regions.json" with { type: "json" };
import type { VersionedEmergency } from "../../domain/emergency.ts";
import type { Region } from "../../domain/region.ts";
import type { VersionedRules } from "../../domain/rules.ts";
import type { RegionId } from "../../domain/units.ts";
import shippedRules from "../../rules/generated/ride-hailing.json" with { type: "json" };

/** Rules, beside the document they were read from. */
export interface KnownRules extends VersionedRules {
  json: unknown;
}

/** Emergency measures, beside the document they were read from. */
export interface KnownEmergency extends VersionedEmergency {
  json: unknown;
}

export interface KnownRegions {
  version: string;
  byId: ReadonlyMap<RegionId, Region>;
  /** As the wire writes them. */
  document: RegionsDocument;
}

/** Reads a rules document from JSON, or names its faults. */
export function knownRulesFrom(json: unknown): KnownRules | FieldError[] {
  const rules = rulesFrom(json);
  return Array.isArray(rules) ? rules : { ...rules, json };
}

/** Reads a document of emergency measures from JSON, or names its faults. */
export function knownEmergencyFrom(json: unknown): KnownEmergency | FieldError[] {
  const emergency = emergencyFrom(json);
  return Array.isArray(emergency) ? emergency : { ...emergency, json };
}

/** Reads a regions document from JSON, or names its faults. */
export function knownRegionsFrom(json: unknown): KnownRegions | FieldError[] {
  const parsed = regionsDocumentSchema.safeParse(json);
  if (!parsed.success) return fieldErrorsFrom(parsed.error);
  const byId = regionsFrom(parsed.data);
  return { version: regionsVersionOf(json), byId, document: json as RegionsDocument };
}

/**
 * What a cold isolate prices by when KV does not answer: the documents of the build. In force as well while nothing was
 * published, so that a first price needs no ceremony.
 */
export const SHIPPED = {
  rules: sound(knownRulesFrom(shippedRules)),
  regions: sound(knownRegionsFrom(shippedRegions)),
};

function sound<Document>(document: Document | FieldError[]): Document {
  if (!Array.isArray(document)) return document;
  throw new Error(`a document of the build cannot be used: ${JSON.stringify(document)}`);
}
