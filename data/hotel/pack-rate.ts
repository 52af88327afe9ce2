import { decimalFrom } from "../../domain/money.ts";
import { priceFrom } from "../../domain/price.ts";
import { NOTHING_KNOWN } from "../../domain/price-inputs.ts";
import type { RulesDocument } from "../../domain/rules.ts";
import type { EpochMs } from "../../domain/units.ts";
import { planAt } from "../pack-plans.ts";
import type { Hotel, RoomLetter } from "./tables.ts";

/** What the rate of a room depends on. */
export interface Stay {
  hotel: Hotel;
  room: RoomLetter;
  /** Of arrival, 1 to 12. */
  month: number;
  /** Of arrival, 1 is Monday. */
  weekday: number;
  leadTimeDays: number;
  /** Share of rooms on the books, 0 to 1. */
  occupancy: number;
}

const REGIONS: Record<Hotel, string> = { city: "lisbon-city", resort: "algarve-resort" };

/** What the pack would have asked for a night, EUR, and whether a bound held it. Without a past: no limit in time holds. */
export function packRateOf(
  document: RulesDocument,
  stay: Stay,
): { rate: number; isCapped: boolean } {
  const product = `room_${stay.room.toLowerCase()}`;
  const plan = planAt(document, REGIONS[stay.hotel], product, 0 as EpochMs);
  const price = priceFrom(plan, {
    ...NOTHING_KNOWN,
    utilization: stay.occupancy,
    attributes: {
      lead_time_days: stay.leadTimeDays,
      stay_weekday: stay.weekday,
      stay_month: stay.month,
    },
  });
  return {
    rate: decimalFrom(price.priceMinor, price.currency),
    isCapped: Math.abs(price.adjustments.constraint) > 1e-9,
  };
}
