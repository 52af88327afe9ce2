/** One recorded day of New York as a region's object lives it: its past from the seed, then event by event. */
import type { PickupColumns, RegionZone, WeatherColumns } from "../../data/nyc/tables.ts";
import type { DemandEvent } from "../../domain/event.ts";
import { snapshotFrom } from "../../domain/region-snapshot.ts";
import { emptyRegion, RegionState } from "../../domain/region-state.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS, plus } from "../../domain/units.ts";
import type { BookingTable } from "../../origin/offline/load-bookings.ts";
import { seedFrom } from "../../origin/publication/seed-plan.ts";
import { demandEvent, RULES } from "./region-deliveries.ts";

export interface RecordedDay {
  dayAt: EpochMs;
  zone: RegionZone;
  timeZone: string;
  /** What was known of all regions when the day began. */
  earlier: BookingTable;
  minutes: PickupColumns;
  weather: WeatherColumns;
}

/**
 * What the region says at each of `instants`, ascending: every event up to and including the instant has arrived by then,
 * each at the moment it happened.
 */
export function snapshotsOf(day: RecordedDay, instants: readonly EpochMs[]): FeatureSnapshot[] {
  const { dayAt, zone, timeZone, earlier } = day;
  const { regionId } = zone;
  const state = new RegionState(emptyRegion(), RULES);
  const plan = { recordedUntil: dayAt, shiftMs: 0 };
  const { startAt, counts } = seedFrom(earlier, { regionId, timeZone }, plan);
  state.setEarlierBookings({ startAt, counts: Uint32Array.from(counts) });
  const events = eventsOf(day);
  let arrived = 0;
  return instants.map((asOf, index) => {
    for (; arrived < events.length; arrived++) {
      const event = events[arrived];
      if (event === undefined || event.occurredAt > asOf) break;
      state.arrive([event], event.occurredAt, event.occurredAt);
    }
    const frame = {
      regionId,
      tick: index + 1,
      timeZone,
      asOf,
      madeAt: asOf,
      lastForecast: null,
      told: {},
      lows: {},
    };
    return snapshotFrom(state, frame);
  });
}

/** The day's events in order: weather on the hour, and a booking for each recorded pickup. */
export function eventsOf({ dayAt, zone, minutes, weather }: RecordedDay): DemandEvent[] {
  const endAt = plus(dayAt, DAY_MS);
  const { regionId } = zone;
  const events: DemandEvent[] = [];
  const add = (fields: Partial<DemandEvent>) =>
    events.push(demandEvent(events.length, { regionId, ...fields }));
  for (const [row, hourAt] of weather.hourAt.entries()) {
    if (hourAt < dayAt || hourAt >= endAt) continue;
    const metadata = JSON.stringify({
      temp_f: weather.tempF[row],
      precip_in: weather.precipIn[row],
    });
    add({ eventType: "weather", occurredAt: hourAt as EpochMs, metadata });
  }
  for (const [row, minuteAt] of minutes.slotAt.entries()) {
    if (minutes.zoneId[row] !== zone.locationId || minuteAt < dayAt || minuteAt >= endAt) continue;
    const pickups = minutes.pickups[row] ?? 0;
    for (let pickup = 0; pickup < pickups; pickup++) {
      add({ occurredAt: plus(minuteAt as EpochMs, offsetInMinute(pickup, pickups)) });
    }
  }
  return events.sort((a, b) => a.occurredAt - b.occurredAt);
}

/**
 * The table knows the minute alone. The first pickup of a minute lies on its first millisecond, the last of several on its
 * last: windows that are off by one anywhere lose one of them.
 */
function offsetInMinute(pickup: number, pickups: number): number {
  return pickups === 1 ? 0 : Math.floor((pickup * (MINUTE_MS - 1)) / (pickups - 1));
}

/** Every `stepMs` of the day, its beginning among them, its end not. */
export function instantsOf(dayAt: EpochMs, stepMs: number): EpochMs[] {
  return Array.from({ length: DAY_MS / stepMs }, (_, i) => plus(dayAt, i * stepMs));
}

/** `2014-05-20` in New York's summer as the instant it began. */
export function newYorkDayAt(date: string): EpochMs {
  return plus(Date.parse(`${date}T00:00:00Z`) as EpochMs, 4 * HOUR_MS);
}
