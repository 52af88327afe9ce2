/** Posts bodies of any format to the ingest Worker under test. */
import { exports } from "cloudflare:workers";
import type { EventBody, SentEvent } from "../../support/event-bodies.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";

export function postBody({ headers, body }: EventBody): Promise<Response> {
  return exports.default.fetch("https://example.test/api/v1/events", {
    method: "POST",
    headers: { ...headers, ...bearer(TEST_KEYS.ingest) },
    body,
  });
}

export const textBody = (
  type: string,
  text: string,
  headers: Record<string, string> = {},
): EventBody => ({
  headers: { "content-type": type, ...headers },
  body: Uint8Array.from(Buffer.from(text)),
});

const timestamp = new Date(Date.now() - 1_000).toISOString();
/** Two events that are right. */
export const SENT: [SentEvent, SentEvent] = [
  {
    event_type: "booking",
    region_id: "nyc-161",
    timestamp,
    idempotency_key: "b-1",
    user_id: "ann",
    product_type: "standard_ride",
    quantity: 2,
    metadata: { source: "app", n: 1.5 },
  },
  { event_type: "search", region_id: "nyc-234", timestamp, idempotency_key: "b-2" },
];

/** A problem, as far as tests look at it. */
export interface ProblemAnswer {
  type: string;
  detail: string;
  errors?: { path: string; detail: string }[];
}
