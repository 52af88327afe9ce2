import { LEAD_TIME_OF_GROUP_DAYS } from "./lead-times.ts";
import { type BookingGroup, HOTELS, type Hotel } from "./tables.ts";

/**
 * How the rate moved with occupancy, lead time, weekday and season, as an additive model of rate / base rate:
 *
 *     1 + (occupancy - 1) + (lead time - 1) + (weekday - 1) + (season - 1)
 *
 * Fitted by backfitting (Breiman and Friedman 1985): each value is the average of what the other factors leave over, one factor after
 * the other until nothing moves. Every factor averages 1, so the base rate is the average rate of the room.
 */
export interface FittedCurves {
  /** Average rate by hotel and room, `city A`, EUR. */
  baseRates: Record<string, number>;
  /** Share of rooms on the books, and value. */
  occupancy: Point[];
  /** Days, and value. */
  leadTime: Point[];
  /** 1 is Monday. */
  weekday: Point[];
  /** By hotel: month of arrival, and value. */
  season: Record<Hotel, Point[]>;
}
type Point = [x: number, value: number];

/** Values stand to the third digit after a dozen. */
const ROUNDS = 40;

const MONTHS = Array.from({ length: 12 }, (_, i) => i + 1);
const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7];
const MIDDLE_OF_TENTH = Array.from({ length: 10 }, (_, tenth) => (tenth + 0.5) / 10);

/** Which value of a factor a group has, counted from 0. */
const LEVELS = {
  season: ({ hotel, month }: BookingGroup) => HOTELS.indexOf(hotel) * 12 + month - 1,
  leadTime: ({ leadTimeGroup }: BookingGroup) => leadTimeGroup,
  occupancy: ({ occupancyTenth }: BookingGroup) => occupancyTenth,
  weekday: ({ weekday }: BookingGroup) => weekday - 1,
};
type Factor = keyof typeof LEVELS;
const FACTORS = Object.keys(LEVELS) as Factor[];

export function fitCurves(groups: readonly BookingGroup[]): FittedCurves {
  const baseRates = baseRatesOf(groups);
  const weights = groups.map(({ bookings }) => bookings);
  /** Rate / base rate, averaged over the bookings of a group, less 1. */
  const excess = groups.map((group) => {
    const base = baseRates.get(`${group.hotel} ${group.room}`) ?? Number.NaN;
    return group.adrSum / group.bookings / base - 1;
  });
  const factors = FACTORS.map((name) => ({
    levels: groups.map(LEVELS[name]),
    effects: [] as number[],
  }));
  const effectAt = ({ levels, effects }: (typeof factors)[number], i: number) =>
    effects[levels[i] ?? -1] ?? 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const factor of factors) {
      const others = factors.filter((other) => other !== factor);
      const left = excess.map((value, i) =>
        others.reduce((rest, other) => rest - effectAt(other, i), value),
      );
      factor.effects = centredAverages(left, factor.levels, weights);
    }
  }
  const points = (name: Factor, xs: readonly number[], firstLevel = 0) => {
    const { effects } = factors[FACTORS.indexOf(name)] ?? { effects: [] };
    return xs.map((x, i): Point => [x, rounded(1 + (effects[firstLevel + i] ?? Number.NaN))]);
  };
  return {
    baseRates: Object.fromEntries([...baseRates].map(([key, rate]) => [key, rounded(rate)])),
    occupancy: points("occupancy", MIDDLE_OF_TENTH),
    leadTime: points("leadTime", LEAD_TIME_OF_GROUP_DAYS),
    weekday: points("weekday", WEEKDAYS),
    season: { city: points("season", MONTHS), resort: points("season", MONTHS, 12) },
  };
}

function baseRatesOf(groups: readonly BookingGroup[]): Map<string, number> {
  const rooms = Map.groupBy(groups, ({ hotel, room }) => `${hotel} ${room}`);
  const total = (some: BookingGroup[], field: "adrSum" | "bookings") =>
    some.reduce((sum, group) => sum + group[field], 0);
  return new Map(
    [...rooms].map(([room, some]) => [room, total(some, "adrSum") / total(some, "bookings")]),
  );
}

/** Weighted averages by level, less the average of all: a factor says only how much more or less than usual. */
function centredAverages(
  values: readonly number[],
  levels: readonly number[],
  weights: readonly number[],
): number[] {
  const sums: number[] = [];
  const counts: number[] = [];
  let sum = 0;
  let count = 0;
  for (const [i, value] of values.entries()) {
    const level = levels[i] ?? 0;
    const weight = weights[i] ?? 0;
    sums[level] = (sums[level] ?? 0) + weight * value;
    counts[level] = (counts[level] ?? 0) + weight;
    sum += weight * value;
    count += weight;
  }
  return sums.map((total, level) => total / (counts[level] ?? 1) - sum / count);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
