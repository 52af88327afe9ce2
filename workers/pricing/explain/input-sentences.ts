/** What a curve read, in words that can be read out to a customer. */
import type { CurveInput } from "../../../domain/curve.ts";
import { ratio } from "./phrases.ts";

interface Words {
  /** A sentence on the value. */
  known: (value: number) => string;
  /** What is not known, after "Nothing is known of". */
  missing: string;
}

const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const percent = (share: number) => `${Math.round(100 * share)} %`;

const WORDS: Record<CurveInput, Words> = {
  demand_score: {
    known: (value) => `Demand for the coming hour scores ${ratio(value)}, where 0.5 is ordinary.`,
    missing: "how demand compares with what is usual",
  },
  available_supply: {
    known: (value) => `${ratio(value)} are free to be booked.`,
    missing: "how many are free to be booked",
  },
  utilization: {
    known: (value) => `${percent(value)} of what can be booked is taken.`,
    missing: "how much of what can be booked is taken",
  },
  recent_demand: {
    known: (value) => `The last 15 minutes brought ${ratio(value)} bookings.`,
    missing: "recent bookings",
  },
  search_count_15m: {
    known: (value) => `The last 15 minutes brought ${ratio(value)} searches.`,
    missing: "recent searches",
  },
  cancel_rate_15m: {
    known: (value) =>
      `The last 15 minutes brought ${ratio(100 * value)} cancellations for each 100 bookings.`,
    missing: "recent cancellations",
  },
  active_sessions_30m: {
    known: (value) => `${ratio(value)} people were here in the last 30 minutes.`,
    missing: "who was here lately",
  },
  local_hour: {
    known: (value) => `It is between ${value}:00 and ${value}:59 there.`,
    missing: "the time of day",
  },
  day_of_week: {
    known: (value) => `It is ${DAYS[value - 1]} there.`,
    missing: "the day of the week",
  },
  weather_severity: {
    known: (value) => `The weather scores ${ratio(value)} of 1, where 0 is fine.`,
    missing: "the weather",
  },
  traffic_index: {
    known: (value) => `Traffic scores ${ratio(value)} of 1, where 0 is free flow.`,
    missing: "the traffic",
  },
  event_score: {
    known: (value) => `Local events score ${ratio(value)} of 1.`,
    missing: "local events",
  },
  holiday: {
    known: (value) => (value === 0 ? "It is no holiday there." : "It is a holiday there."),
    missing: "holidays",
  },
  stock_on_hand: {
    known: (value) => `${ratio(value)} are in stock.`,
    missing: "the stock",
  },
  stock_cover_days: {
    known: (value) => `The stock lasts for ${ratio(value)} days.`,
    missing: "how long the stock lasts",
  },
  competitor_price_ratio: {
    known: (value) => `The cheapest competitor asks ${ratio(value)} times our base price.`,
    missing: "what competitors ask",
  },
};

/** A sentence on what the input was. */
export function inputSentence(input: CurveInput, value: number): string {
  return WORDS[input].known(value);
}

/** A sentence on why the factor does nothing; `factor` is its name for people. */
export function missingInputSentence(input: CurveInput, factor: string): string {
  return `Nothing is known of ${WORDS[input].missing}, so ${factor} does not move the price.`;
}
