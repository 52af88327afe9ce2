import { instantText } from "../../contract/names.ts";
import type { PickupColumns, RegionZone, WeatherColumns } from "../../data/nyc/tables.ts";
import { type EpochMs, MINUTE_MS, plus, type RegionId } from "../../domain/units.ts";
import { type DriverInputs, driversAt } from "./drivers.ts";
import { byTime, type TimedEvent } from "./feed-event.ts";
import { RecordedPickups } from "./recorded-pickups.ts";
import { LONGEST_CANCEL_DELAY_MS, LONGEST_SEARCH_LEAD_MS, rideEvents } from "./rides.ts";
import { surroundingEvents } from "./surroundings.ts";
import { recordedAtOf } from "./timeline.ts";
import { UsualDemand } from "./usual-demand.ts";

/** More than the minutes whose rides reach into one minute. */
const KEPT_RIDE_MINUTES = 64;

export interface SimulationInputs {
  readonly seed: number;
  /**
   * A whole minute. Rides booked before it are no part of the story, so that no cancellation lacks its
   * booking.
   */
  readonly startAt: EpochMs;
  readonly zones: readonly RegionZone[];
  readonly minutes: PickupColumns;
  readonly quarterHours: PickupColumns;
  readonly weather: WeatherColumns;
}

/**
 * New York's events, minute by minute.
 *
 * What a minute holds depends on the inputs and the minute alone: any stretch can be made again, in
 * any order, with the same idempotency keys.
 */
export class Simulation {
  private readonly seed: number;
  private readonly startAt: EpochMs;
  private readonly regionIds: readonly RegionId[];
  private readonly drivers: DriverInputs;
  private readonly weather: WeatherColumns;
  /** Rides by the minute of their booking: a minute's events come from the rides of some twenty. */
  private readonly keptRides = new Map<EpochMs, readonly TimedEvent[]>();

  constructor({ seed, startAt, zones, minutes, quarterHours, weather }: SimulationInputs) {
    this.seed = seed;
    this.startAt = startAt;
    this.regionIds = zones.map((zone) => zone.regionId);
    this.drivers = {
      seed,
      pickups: new RecordedPickups(zones, minutes),
      usual: new UsualDemand(zones, quarterHours),
    };
    this.weather = weather;
  }

  /** All events in [minuteAt, minuteAt + 1 min), in order. `minuteAt` lies on a whole minute. */
  eventsOfMinute(minuteAt: EpochMs): TimedEvent[] {
    const recordedAt = recordedAtOf(minuteAt);
    const endAt = plus(minuteAt, MINUTE_MS);
    const events = surroundingEvents(this.weather, this.regionIds, minuteAt, recordedAt);
    events.push(...this.driverEvents(minuteAt, recordedAt));
    const firstBookedAt = plus(minuteAt, -LONGEST_CANCEL_DELAY_MS);
    const lastBookedAt = plus(minuteAt, LONGEST_SEARCH_LEAD_MS);
    for (
      let bookedAt = firstBookedAt;
      bookedAt <= lastBookedAt;
      bookedAt = plus(bookedAt, MINUTE_MS)
    ) {
      for (const timed of this.ridesBookedIn(bookedAt)) {
        if (timed.at >= minuteAt && timed.at < endAt) events.push(timed);
      }
    }
    return events.sort(byTime);
  }

  private ridesBookedIn(minuteAt: EpochMs): readonly TimedEvent[] {
    const kept = this.keptRides.get(minuteAt);
    if (kept !== undefined) return kept;
    const rides = minuteAt < this.startAt ? [] : this.makeRides(minuteAt);
    this.keptRides.set(minuteAt, rides);
    const [oldest] = this.keptRides.keys();
    if (this.keptRides.size > KEPT_RIDE_MINUTES && oldest !== undefined) {
      this.keptRides.delete(oldest);
    }
    return rides;
  }

  private makeRides(minuteAt: EpochMs): TimedEvent[] {
    const recordedAt = recordedAtOf(minuteAt);
    return this.regionIds.flatMap((regionId) => {
      const bookings = this.drivers.pickups.inMinute(regionId, recordedAt);
      return bookings === 0 ? [] : rideEvents({ seed: this.seed, regionId, minuteAt, bookings });
    });
  }

  /** One supply reading a region, spread over the minute so that they do not arrive all at once. */
  private driverEvents(minuteAt: EpochMs, recordedAt: EpochMs): TimedEvent[] {
    return this.regionIds.map((regionId, index) => {
      const at = plus(minuteAt, Math.floor((index * MINUTE_MS) / this.regionIds.length));
      const { available, busy } = driversAt(this.drivers, regionId, minuteAt, recordedAt);
      return {
        at,
        event: {
          event_type: "supply_update",
          region_id: regionId,
          timestamp: instantText(at),
          idempotency_key: `${regionId}.${this.seed.toString(36)}.drivers.${minuteAt / MINUTE_MS}`,
          quantity: 1,
          metadata: { available, busy },
        },
      };
    });
  }
}
