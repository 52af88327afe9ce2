/**
 * A Worker that collects events from its visitors: POST /searches/<region>.
 *
 * A Durable Object keeps them until they are sent: a Worker's memory may go any time. Its alarm comes back for what could not
 * be sent.
 */
import { DurableObject } from "cloudflare:workers";
import { createEventQueue, type EventQueue } from "@edge-demand-pricing/sdk";
import { durableObjectStore } from "@edge-demand-pricing/sdk/durable-object";

interface Env {
  EVENTS: DurableObjectNamespace<EventBuffer>;
  INGEST_URL: string;
  INGEST_KEY: string;
}

const RETRY_AFTER_MS = 30_000;

export class EventBuffer extends DurableObject<Env> {
  readonly #queue: EventQueue;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#queue = createEventQueue({
      endpoint: env.INGEST_URL,
      key: env.INGEST_KEY,
      store: durableObjectStore(ctx.storage),
      onError: ({ message }) => console.error(message),
    });
  }

  /** Resolves once the event is kept; it is sent after that. */
  async trackSearch(region_id: string): Promise<string | null> {
    const key = this.#queue.track({ event_type: "search", region_id });
    await this.#queue.stored();
    await this.ctx.storage.setAlarm(Date.now() + RETRY_AFTER_MS);
    this.ctx.waitUntil(this.#queue.flush());
    return key;
  }

  override async alarm(): Promise<void> {
    const { remaining } = await this.#queue.flush();
    if (remaining > 0) await this.ctx.storage.setAlarm(Date.now() + RETRY_AFTER_MS);
  }
}

export default {
  async fetch(request, env): Promise<Response> {
    const [, region] = /^\/searches\/([a-z0-9-]{1,64})$/.exec(new URL(request.url).pathname) ?? [];
    if (request.method !== "POST" || region === undefined) {
      return new Response("POST /searches/<region>", { status: 404 });
    }
    const idempotency_key = await env.EVENTS.getByName("events").trackSearch(region);
    return Response.json({ idempotency_key }, { status: 202 });
  },
} satisfies ExportedHandler<Env>;
