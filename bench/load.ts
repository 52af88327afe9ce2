/** Closed-loop load: a fixed number of connections, each sending its next request when the last was answered. */
import autocannon from "autocannon";

export interface LoadTarget {
  url: string;
  key: string;
  /** Bodies are sent in turn, so that no cache sees the same one only. */
  bodies: readonly string[];
  headers?: Record<string, string>;
}

export interface LoadResult {
  requestsPerS: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers other than 2xx, and connections that broke. */
  failed: number;
}

/** Posts `bodies` to `url` for `seconds` over `connections`. */
export async function load(
  target: LoadTarget,
  { seconds, connections }: { seconds: number; connections: number },
): Promise<LoadResult> {
  const result = await autocannon({
    url: target.url,
    method: "POST",
    connections,
    duration: seconds,
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${target.key}`,
      ...target.headers,
    },
    requests: target.bodies.map((body) => ({ method: "POST", body })),
  });
  return {
    requestsPerS: result["2xx"] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors + result.timeouts,
  };
}
