// A page that tells of what its visitor does. It is served with its configuration in the address:
//
//     index.html?endpoint=http://127.0.0.1:8788/api/v1/events&key=...&region=nyc-161
//
// The key is a public one: whoever opens the page can read it.
import { createEventQueue } from "@edge-demand-pricing/sdk";

const parameters = new URLSearchParams(location.search);
const region_id = parameters.get("region") ?? "nyc-161";

const queue = createEventQueue({
  endpoint: parameters.get("endpoint") ?? "/api/v1/events",
  key: parameters.get("key") ?? "",
  onRejected: (event, { detail }) => console.error(`rejected ${event.idempotency_key}: ${detail}`),
  onError: ({ message }) => console.warn(message),
});

const user_id = `visitor-${crypto.randomUUID()}`;
const searchButton = document.querySelector("#search");
const bookButton = document.querySelector("#book");
const statsOutput = document.querySelector("#stats");

queue.track({ event_type: "view", region_id, user_id });
searchButton?.addEventListener("click", () => {
  queue.track({ event_type: "search", region_id, user_id });
});
bookButton?.addEventListener("click", () => {
  queue.track({ event_type: "booking", region_id, user_id, product_type: "standard_ride" });
});

setInterval(() => {
  const { tracked, adopted, accepted, queued } = queue.stats();
  const text = `${tracked} tracked, ${adopted} from before, ${accepted} accepted, ${queued} waiting`;
  if (statsOutput) statsOutput.textContent = text;
}, 200);
