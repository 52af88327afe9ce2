/** Prometheus keeps a series for ever: regions beyond so many share one. */
const MOST_REGIONS = 2_000;
const OTHERS = "others";

/** Something for each region, made when it is first asked for; one for all regions together that come when there are many. */
export function perRegion<Thing>(make: (region: string) => Thing): (regionId: string) => Thing {
  const made = new Map<string, Thing>();
  return (regionId) => {
    const known = made.get(regionId);
    if (known !== undefined) return known;
    const region = made.size < MOST_REGIONS ? regionId : OTHERS;
    const thing = made.get(region) ?? make(region);
    made.set(region, thing);
    return thing;
  };
}
