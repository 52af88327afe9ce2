/**
 * The units every other file speaks in.
 *
 * Branded, so that a length cannot be passed for an instant, nor a decimal price for minor units. The brand exists at
 * compile time only.
 */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** An instant: milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = Branded<number, "EpochMs">;
/** Money in the smallest unit of its currency (cents for USD). Always an integer. */
export type MinorUnits = Branded<number, "MinorUnits">;
/** A region as clients name it, for example `nyc-161`. */
export type RegionId = Branded<string, "RegionId">;
/** A product a region sells, for example `standard_ride`. */
export type ProductType = Branded<string, "ProductType">;
/** `rul_` and twelve hex digits of the SHA-256 of the rules document. */
export type RulesVersion = Branded<string, "RulesVersion">;
/** `mdl_` and twelve hex digits of the SHA-256 of the model bytes. */
export type ModelVersion = Branded<string, "ModelVersion">;
/** An experiment as its owners name it, for example `exp_steeper_evenings`. */
export type ExperimentId = Branded<string, "ExperimentId">;

/** `emg_` and twelve hex digits of the SHA-256 of the emergency document. */
export type EmergencyVersion = Branded<string, "EmergencyVersion">;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const QUARTER_HOUR_MS = 15 * MINUTE_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const WEEK_MS = 7 * DAY_MS;

/** Names a number as an instant. Throws on anything that is not a finite number: that is a bug, not bad input. */
export function epochMs(value: number): EpochMs {
  if (!Number.isFinite(value)) throw new TypeError(`not an instant: ${value}`);
  return value as EpochMs;
}

/** Names an integer as minor units. Throws on a fraction: money is never rounded by accident. */
export function minorUnits(value: number): MinorUnits {
  if (!Number.isSafeInteger(value)) throw new TypeError(`not an integer of minor units: ${value}`);
  return value as MinorUnits;
}

/** The instant `lengthMs` after `at` (before it when negative). */
export function plus(at: EpochMs, lengthMs: number): EpochMs {
  return (at + lengthMs) as EpochMs;
}

/** The last multiple of `widthMs` since the epoch that is not after `at`. */
export function floorTo(at: EpochMs, widthMs: number): EpochMs {
  return (Math.floor(at / widthMs) * widthMs) as EpochMs;
}
