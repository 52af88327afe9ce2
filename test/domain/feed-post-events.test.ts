import { afterEach, describe, expect, test } from "vitest";
import type { EventInput } from "../../contract/events.ts";
import { postEvents } from "../../local/feed/post-events.ts";
import { type Answer, type Receiver, startReceiver } from "./feed-receiver.ts";

const events: EventInput[] = ["a", "b"].map((key) => ({
  event_type: "booking",
  region_id: "nyc-161",
  timestamp: "2014-05-19T20:00:00.000Z",
  idempotency_key: key,
}));

const running: Receiver[] = [];
afterEach(() => {
  for (const receiver of running.splice(0)) receiver.close();
});

async function ingestThat(answer: Answer) {
  const receiver = await startReceiver(answer);
  running.push(receiver);
  return { ingestUrl: receiver.url, ingestKey: "secret" };
}

const post = (endpoint: Awaited<ReturnType<typeof ingestThat>>) =>
  postEvents(endpoint, events, new AbortController().signal);

describe("postEvents()", () => {
  test("posts the events with the key and gives the answer", async () => {
    let seen: unknown;
    const endpoint = await ingestThat((request, response, body) => {
      const { method, url, headers } = request;
      seen = { method, url, key: headers.authorization, body: JSON.parse(body) };
      response.writeHead(202).end(JSON.stringify({ accepted: 2, rejected: [] }));
    });
    expect(await post(endpoint)).toEqual({
      kind: "settled",
      answer: { accepted: 2, rejected: [] },
    });
    expect(seen).toEqual({
      method: "POST",
      url: "/api/v1/events",
      key: "Bearer secret",
      body: { events },
    });
  });

  test("takes a 400 as the end of all its events", async () => {
    const endpoint = await ingestThat((_, response) => {
      response.writeHead(400).end(`{"type":"invalid_events"}`);
    });
    expect(await post(endpoint)).toMatchObject({
      kind: "settled",
      answer: { accepted: 0, rejected: [{ index: 0 }, { index: 1 }] },
    });
  });

  test.each([
    { name: "a limit that says when", status: 429, headers: { "retry-after": "3" }, waitMs: 3_000 },
    { name: "a limit that does not", status: 429, headers: {}, waitMs: null },
    { name: "a failing ingest", status: 503, headers: {}, waitMs: null },
    { name: "a key not yet known", status: 401, headers: {}, waitMs: null },
  ])("wants another try after $name", async ({ status, headers, waitMs }) => {
    const endpoint = await ingestThat((_, response) => {
      response.writeHead(status, headers).end("no");
    });
    expect(await post(endpoint)).toEqual({
      kind: "failed",
      reason: `${status} no`,
      retryAfterMs: waitMs,
    });
  });

  test("wants another try when the answer is cut off or makes no sense", async () => {
    const cut = await ingestThat((request) => request.socket.destroy());
    const odd = await ingestThat((_, response) => response.writeHead(202).end("<html>"));
    expect(await post(cut)).toMatchObject({ kind: "failed", retryAfterMs: null });
    expect(await post(odd)).toMatchObject({ kind: "failed", retryAfterMs: null });
  });
});
