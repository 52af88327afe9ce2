/** Factors that a pricing team draws: a curve over one input, by points. */
import type { PriceInputs } from "./price-inputs.ts";

/** What a curve may read, by the name that rules write. */
const INPUT_FIELDS = {
  demand_score: "demandScore",
  available_supply: "availableSupply",
  recent_demand: "recentDemand",
  utilization: "utilization",
  search_count_15m: "searchCount15m",
  cancel_rate_15m: "cancelRate15m",
  active_sessions_30m: "activeSessions30m",
  local_hour: "localHour",
  day_of_week: "dayOfWeek",
  weather_severity: "weatherSeverity",
  traffic_index: "trafficIndex",
  event_score: "eventScore",
  holiday: "holiday",
  stock_on_hand: "stockOnHand",
  stock_cover_days: "stockCoverDays",
  competitor_price_ratio: "competitorPriceRatio",
} as const satisfies Record<string, keyof PriceInputs>;

export type CurveInput = keyof typeof INPUT_FIELDS;
export const CURVE_INPUTS = Object.keys(INPUT_FIELDS) as CurveInput[];
const ATTRIBUTE_PREFIX = "attribute.";

export interface Curve {
  /** One of CURVE_INPUTS, or `attribute.` and the name of one. */
  input: string;
  /** `step`: the value of the last point at or before the input. */
  kind: "linear" | "step";
  /** Inputs and values, the inputs rising. Outside of them the first and last values hold. */
  points: readonly (readonly [x: number, y: number])[];
}

/** The attribute that a curve reads, or null when it reads what is known of the region. */
export function attributeOf(input: string): string | null {
  return input.startsWith(ATTRIBUTE_PREFIX) ? input.slice(ATTRIBUTE_PREFIX.length) : null;
}

export function isCurveInput(input: string): input is CurveInput {
  return Object.hasOwn(INPUT_FIELDS, input);
}

/** Reads the input of a curve, as often as it is asked; null where it is missing. */
export type ReadInput = (inputs: PriceInputs) => number | null;

/** The reader of one of CURVE_INPUTS. Throws on another name: rules that were checked hold none. */
export function readerOf(input: string): ReadInput {
  if (!isCurveInput(input)) throw new Error(`no curve can read ${input}`);
  const field = INPUT_FIELDS[input];
  return (inputs) => inputs[field];
}

/** The value of a curve. `points` holds at least one. */
export function valueOn({ kind, points }: Pick<Curve, "kind" | "points">, x: number): number {
  // A handful of points: a search by halves would cost more than it saves.
  let [previousX, previousY] = points[0] ?? [0, 0];
  if (x <= previousX) return previousY;
  for (let i = 1; i < points.length; i++) {
    const [nextX, nextY] = points[i] ?? [0, 0];
    if (x < nextX) {
      if (kind === "step") return previousY;
      return previousY + ((nextY - previousY) * (x - previousX)) / (nextX - previousX);
    }
    previousX = nextX;
    previousY = nextY;
  }
  return previousY;
}
