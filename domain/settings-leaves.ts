/** The single values that a layer sets, by the path under which a document writes them. */
import type { Settings } from "./rules.ts";

/** `factors.demand.weight` and the like. Arrays, such as the points of a curve, are one value. */
export function leavesOf(settings: Settings): Map<string, unknown> {
  const leaves = new Map<string, unknown>();
  const put = (path: string, value: unknown) => {
    if (value !== undefined) leaves.set(path, value);
  };
  const putEach = (path: string, fields: object | undefined, names: Record<string, string>) => {
    for (const [field, value] of Object.entries(fields ?? {}))
      put(`${path}.${names[field] ?? field}`, value);
  };
  put("currency", settings.currency);
  for (const [product, prices] of Object.entries(settings.products ?? {})) {
    putEach(`products.${product}`, prices, PRODUCT_NAMES);
  }
  putEach("factors.demand", settings.demand, {});
  putEach("factors.supply", settings.supply, {});
  const { byDay, ...timeOfDay } = settings.timeOfDay ?? {};
  putEach("factors.time_of_day", timeOfDay, TIME_NAMES);
  putEach("factors.time_of_day.by_day", byDay, {});
  putEach("factors.weather", settings.weather, {});
  putEach("factors.events", settings.events, {});
  for (const [name, curve] of Object.entries(settings.curves ?? {})) {
    putEach(`factors.${name}`, curve, CURVE_NAMES);
  }
  put("constraints.min_multiplier", settings.minMultiplier);
  put("constraints.max_multiplier", settings.maxMultiplier);
  put("constraints.max_step_per_minute", settings.maxStepPerMinute);
  put("constraints.hysteresis", settings.hysteresis);
  put("rounding", settings.rounding);
  put("adjust", settings.adjust);
  put("announced_reduction", settings.announcedReduction);
  return leaves;
}

const PRODUCT_NAMES = {
  basePrice: "base_price",
  floorPrice: "floor_price",
  ceilingPrice: "ceiling_price",
};
const TIME_NAMES = { multiplierByHour: "multiplier_by_hour" };
const CURVE_NAMES = { kind: "curve" };
