import type { Stack } from "../test/support/stack.ts";

/** Posts one body. Throws on any answer but 202: a bench that loses events measures nothing. */
export async function postEvents(stack: Stack, body: string): Promise<void> {
  const response = await fetch(`${stack.ingestUrl}/api/v1/events`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${stack.keys.ingest}` },
    body,
  });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`events answered ${response.status}: ${text}`);
}
