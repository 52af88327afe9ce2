// A back end that tells of what happens in it. Run it:
//
//     INGEST_URL=http://127.0.0.1:8788/api/v1/events INGEST_KEY=... node main.js nyc-161
//
// What it cannot send it keeps in ./unsent-events, and sends at its next start.
import { createEventQueue } from "@edge-demand-pricing/sdk";
import { fileStore, flushBeforeExit } from "@edge-demand-pricing/sdk/node";

const { INGEST_URL = "", INGEST_KEY = "", QUEUE_DIRECTORY = "unsent-events" } = process.env;
const [region_id = "nyc-161"] = process.argv.slice(2);

const queue = createEventQueue({
  endpoint: INGEST_URL,
  key: INGEST_KEY,
  store: fileStore({ directory: QUEUE_DIRECTORY }),
  onRejected: (event, { detail }) => console.error(`rejected ${event.idempotency_key}: ${detail}`),
  onDropped: (count, reason) => console.error(`dropped ${count}: ${reason}`),
  onError: ({ message }) => console.error(message),
});
flushBeforeExit(queue);

queue.track({ event_type: "search", region_id, user_id: "u-77" });
// A booking has a number of its own: told twice, it still counts once.
queue.track({ event_type: "booking", region_id, user_id: "u-77", idempotency_key: "booking-1029" });
queue.track({ event_type: "booking", region_id, user_id: "u-77", idempotency_key: "booking-1029" });
queue.track({ event_type: "supply_update", region_id, metadata: { available: 12, busy: 30 } });

process.once("exit", () => {
  const { accepted, queued } = queue.stats();
  console.log(`${accepted} accepted, ${queued} left for the next start`);
});
