/** Events that come to the pricing Worker's address, because no route sends them to ingest, are handed on as they are. */
import type { Dependency } from "../dependency.ts";
import type { Handler } from "../router.ts";

export function forwardEvents(ingest: Pick<Fetcher, "fetch">, dependency: Dependency): Handler {
  return async ({ request }) => {
    const answer = await dependency.ask(() => ingest.fetch(request));
    return answer.ok ? answer.value : { type: "unavailable", retryAfterS: 1 };
  };
}
