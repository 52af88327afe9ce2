import { instantText } from "../../contract/names.ts";
import { HISTORY } from "../../data/nyc/period.ts";
import type { WeatherColumns } from "../../data/nyc/tables.ts";
import { type EpochMs, HOUR_MS, type RegionId } from "../../domain/units.ts";
import type { TimedEvent } from "./feed-event.ts";

/** The one public holiday in the fortnight: Memorial Day, from midnight, New York. */
export const HOLIDAY = { name: "Memorial Day", startAt: Date.UTC(2014, 4, 26, 4) };

/**
 * Weather on the hour, and the holiday at its first midnight.
 *
 * The holiday returns with every round: the rides of that day are a holiday's, whatever date they play on.
 *
 * @param at event time
 * @param recordedAt the instant of the fortnight that plays then
 */
export function surroundingEvents(
  weather: WeatherColumns,
  regionIds: readonly RegionId[],
  at: EpochMs,
  recordedAt: EpochMs,
): TimedEvent[] {
  if (recordedAt % HOUR_MS !== 0) return [];
  const hour = (recordedAt - HISTORY.startAt) / HOUR_MS;
  const tempF = weather.tempF[hour];
  const precipIn = weather.precipIn[hour];
  if (tempF === undefined || precipIn === undefined) {
    throw new RangeError(`no weather for ${instantText(recordedAt)}`);
  }
  const common = { timestamp: instantText(at), quantity: 1 };
  return regionIds.flatMap((regionId): TimedEvent[] => {
    const weatherEvent: TimedEvent = {
      at,
      event: {
        ...common,
        event_type: "weather",
        region_id: regionId,
        idempotency_key: `${regionId}.weather.${at / HOUR_MS}`,
        metadata: { temp_f: tempF, precip_in: precipIn },
      },
    };
    if (recordedAt !== HOLIDAY.startAt) return [weatherEvent];
    const holidayEvent: TimedEvent = {
      at,
      event: {
        ...common,
        event_type: "holiday",
        region_id: regionId,
        idempotency_key: `${regionId}.holiday.${at / HOUR_MS}`,
        metadata: { name: HOLIDAY.name },
      },
    };
    return [weatherEvent, holidayEvent];
  });
}
