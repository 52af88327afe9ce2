import { POINTER, regionsKey } from "../../contract/store-keys.ts";

export const TEST_REGIONS = ["nyc-161", "nyc-234", "nyc-231"];

interface ConfigWriter {
  put(key: string, value: string): Promise<unknown>;
}

/** Publishes regions under their ids alone, as the origin would. */
export async function publishRegions(config: ConfigWriter, ids = TEST_REGIONS): Promise<void> {
  const regions = ids.map((region_id) => ({
    region_id,
    name: region_id,
    timezone: "America/New_York",
    currency: "USD",
    product_types: ["standard_ride"],
  }));
  const version = `test-${ids.join("-")}`;
  await config.put(regionsKey(version), JSON.stringify({ regions }));
  await config.put(POINTER.regions, version);
}
