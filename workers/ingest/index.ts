import { DurableObject } from "cloudflare:workers";
export class Outbox extends DurableObject {}
export default {
  fetch() {
    return new Response("");
  },
};
