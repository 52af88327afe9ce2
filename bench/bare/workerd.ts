/** The limit: what the runtime does when a Worker does nothing. A price is a constant; events are only parsed. */
import { CONSTANT_PRICE } from "./constant.ts";

const headers = { "content-type": "application/json" };

export default {
  async fetch(request: Request): Promise<Response> {
    if (!request.url.endsWith("/events")) return new Response(CONSTANT_PRICE, { headers });
    const { events } = JSON.parse(await request.text());
    return new Response(`{"accepted":${events.length}}`, { status: 202, headers });
  },
};
