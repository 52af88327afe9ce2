/** Experiments and users for tests. */
import { createHash } from "node:crypto";
import { instantText } from "../../contract/names.ts";
import { hashText } from "../../contract/readable-events.ts";
import type { UserHash } from "../../domain/assignment.ts";
import type { Experiment, Variant } from "../../domain/experiment.ts";
import type { EpochMs, ExperimentId } from "../../domain/units.ts";

export function variant(name: string, weight = 1): Variant {
  return { name, weight, rulesVersion: null, modelVersion: null };
}

export function experiment(fields: Partial<Experiment> = {}): Experiment {
  return {
    experimentId: "exp_sample" as ExperimentId,
    salt: "a salt",
    status: "running",
    regions: null,
    productTypes: null,
    traffic: 1,
    variants: [variant("control"), variant("steeper")],
    hasStarted: true,
    ...fields,
  };
}

/** The hash of the `n`th user: as little alike for neighbours as an HMAC. */
export function user(n: number): UserHash {
  const digest = createHash("sha256").update(`u-${n}`).digest();
  return { high: digest.readUInt32BE(0), low: digest.readUInt32BE(4) };
}

/** The first `count` users. */
export function users(count: number): UserHash[] {
  return Array.from({ length: count }, (_, n) => user(n));
}

/** An exposure of the `n`th user, as a page of them holds it. */
export function readableExposure(n: number, given: string, exposedAt: EpochMs) {
  const { high, low } = user(n);
  return {
    user_hash: hashText(high, low),
    variant: given,
    region_id: "nyc-161",
    product_type: "standard_ride",
    decision_id: "nyc-161.standard_ride.7",
    exposed_at: instantText(exposedAt),
    logged_at: instantText(exposedAt),
  };
}
