/** What the inputs of curves can be at all. */
import { attributeOf, type CurveInput } from "../../../domain/curve.ts";
import { own, type RulesDocument } from "../../../domain/rules.ts";

export interface InputRange {
  min: number;
  max: number;
}

const SHARE: InputRange = { min: 0, max: 1 };
const COUNT: InputRange = { min: 0, max: Number.POSITIVE_INFINITY };

const RANGES: Record<CurveInput, InputRange> = {
  demand_score: SHARE,
  available_supply: COUNT,
  recent_demand: COUNT,
  utilization: SHARE,
  search_count_15m: COUNT,
  // More cancellations than bookings can come in a quarter of an hour.
  cancel_rate_15m: COUNT,
  active_sessions_30m: COUNT,
  local_hour: { min: 0, max: 23 },
  day_of_week: { min: 1, max: 7 },
  weather_severity: SHARE,
  traffic_index: SHARE,
  event_score: SHARE,
  holiday: SHARE,
  stock_on_hand: COUNT,
  stock_cover_days: { min: 0, max: 3_650 },
  competitor_price_ratio: COUNT,
};

/** The range of a curve's input in a document. Throws on an input that sound rules cannot have. */
export function rangeOf(input: string, { attributes }: RulesDocument): InputRange {
  const attribute = attributeOf(input);
  const range =
    attribute === null ? own<InputRange>(RANGES, input) : own<InputRange>(attributes, attribute);
  if (!range) throw new Error(`no curve can read ${input}`);
  return range;
}
