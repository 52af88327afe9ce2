import { DurableObject } from "cloudflare:workers";

export class RegionWindow extends DurableObject<AggregatorEnv> {}

export default {
  fetch() {
    return new Response("");
  },
  queue() {},
};
