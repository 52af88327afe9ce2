import type { ProductType, RegionId } from "./units.ts";

/** A place that is priced as one: what the wire and the windows call a region. */
export interface Region {
  regionId: RegionId;
  /** For people: `Midtown Center`. */
  name: string;
  /** IANA name; local hours of rules and features are read in it. */
  timeZone: string;
  /** ISO 4217. */
  currency: string;
  productTypes: readonly ProductType[];
}
