import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createEdgeClient, type EdgeClient } from "../../origin/edge/edge-client.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

interface Asked {
  method: string;
  path: string;
  authorization: string;
}

/** A server that gives each answer once, in turn, and the last one from then on. */
async function edgeAnswering(
  answers: { status: number; body: unknown }[],
  patienceMs: number,
): Promise<{ edge: EdgeClient; asked: Asked[] }> {
  const asked: Asked[] = [];
  server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    asked.push({ method, path: url, authorization: headers.authorization ?? "" });
    request.resume().on("end", () => {
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      response.writeHead(answer?.status ?? 500).end(JSON.stringify(answer?.body));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const address = { url: `http://127.0.0.1:${port}`, adminKey: "secret" };
  const edge = createEdgeClient(address, patienceMs, new AbortController().signal);
  return { edge, asked };
}

const PUBLISHED = { status: 200, body: { version: "rul_1", previous: null } };

describe("createEdgeClient()", () => {
  test("asks with the admin key", async () => {
    const { edge, asked } = await edgeAnswering([PUBLISHED], 0);
    expect(await edge.publishRules({})).toEqual(PUBLISHED.body);
    expect(asked).toEqual([
      { method: "PUT", path: "/admin/v1/rules", authorization: "Bearer secret" },
    ]);
  });

  test("asks again while the edge cannot yet", async () => {
    const passing = { status: 503, body: { type: "unavailable" } };
    const { edge, asked } = await edgeAnswering([passing, passing, PUBLISHED], 5_000);
    expect(await edge.publishRules({})).toEqual(PUBLISHED.body);
    expect(asked).toHaveLength(3);
  });

  test("does not ask again what was refused, and says what the edge said", async () => {
    const refusal = { status: 422, body: { detail: "no price within bounds" } };
    const { edge, asked } = await edgeAnswering([refusal], 5_000);
    expect(await edge.publishRules({})).toMatchObject({
      reason: "refused",
      detail: expect.stringContaining("no price within bounds"),
    });
    expect(asked).toHaveLength(1);
  });

  test("tells what was never published from what is refused", async () => {
    const never = { status: 404, body: { type: "/docs/problems#not_published" } };
    const { edge, asked } = await edgeAnswering([never], 5_000);
    expect(await edge.readRules()).toMatchObject({ reason: "not_published" });
    expect(asked).toHaveLength(1);
  });

  test("does not take an answer of another shape for one it knows", async () => {
    const { edge } = await edgeAnswering([{ status: 200, body: { edition: "rul_1" } }], 5_000);
    expect(await edge.publishRules({})).toMatchObject({ reason: "refused" });
  });

  test("gives up when its patience ends", async () => {
    const edge = createEdgeClient(
      { url: "http://127.0.0.1:1", adminKey: "secret" },
      300,
      new AbortController().signal,
    );
    const startedAt = performance.now();
    expect(await edge.readRules()).toMatchObject({ reason: "unreachable" });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
