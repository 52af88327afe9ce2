import { offsetMsAt } from "../../../domain/calendar.ts";
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../domain/units.ts";
import { drawsFor } from "../random.ts";

/** How busy each hour of a day is beside the day's mean: quiet at four, peaks at eight and eighteen. */
const HOURLY_SHARE = [
  0.55, 0.4, 0.3, 0.25, 0.25, 0.4, 0.75, 1.2, 1.45, 1.2, 1.0, 1.0, 1.1, 1.05, 1.0, 1.1, 1.3, 1.6,
  1.75, 1.6, 1.4, 1.2, 1.05, 0.85,
];
const MEAN_SHARE = HOURLY_SHARE.reduce((sum, share) => sum + share, 0) / HOURLY_SHARE.length;

/** A burst: for a while one region gets many times what it usually gets, as when a concert ends. */
export interface Burst {
  /** Place of the region in the list of regions. */
  region: number;
  /** Times the whole load's mean rate that the region gets beside its share. */
  strength: number;
}

/** Bursts are looked for in stretches of this length; two of three have one. */
const BURST_STRETCH_MS = 5 * MINUTE_MS;
const BURST_CHANCE = 2 / 3;
const BURST_LENGTH_MS = 40 * SECOND_MS;

/** How busy an instant is beside the day's mean, by the local hour, without steps between hours. */
export function diurnalFactor(at: EpochMs, timeZone: string): number {
  const local = (((at + offsetMsAt(at, timeZone)) % DAY_MS) + DAY_MS) % DAY_MS;
  const hour = Math.floor(local / HOUR_MS);
  const into = local / HOUR_MS - hour;
  const here = HOURLY_SHARE[hour] ?? 1;
  const next = HOURLY_SHARE[(hour + 1) % 24] ?? 1;
  return (here + (next - here) * into) / MEAN_SHARE;
}

/** The burst under way at `at`, if there is one; the same at every call. */
export function burstAt(at: EpochMs, seed: number, regions: number): Burst | null {
  const stretch = Math.floor(at / BURST_STRETCH_MS);
  const draws = drawsFor(seed, "burst", stretch);
  if (!draws.chance(BURST_CHANCE)) return null;
  const startAt = stretch * BURST_STRETCH_MS + draws.below(BURST_STRETCH_MS - BURST_LENGTH_MS);
  if (at < startAt || at >= startAt + BURST_LENGTH_MS) return null;
  return { region: draws.below(regions), strength: draws.between(0.5, 2) };
}
