import { describe, expect, test } from "vitest";
import { hashOfKey } from "../../contract/api-keys.ts";
import { DeployedKeys } from "../../contract/deployed-keys.ts";
import { createMetrics } from "../../contract/metrics.ts";
import { createApp } from "../../origin/service/app.ts";

function appWaitingFor(missing: string | null) {
  const metrics = createMetrics();
  metrics.counter("origin_test_total", "A counter").value = 3;
  return createApp({
    keys: new DeployedKeys([{ id: "key_test", role: "pricing", sha256: hashOfKey("secret") }]),
    metrics,
    waitingFor: () => missing,
    newTraceId: () => "0af7651916cd43dd8448eb211c80319c",
  });
}

describe("the origin's service", () => {
  test("is alive before it is ready, and says what it waits for", async () => {
    const app = appWaitingFor("The edge is being provisioned.");
    expect((await app.request("/healthz")).status).toBe(200);
    const ready = await app.request("/readyz");
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ detail: "The edge is being provisioned." });
  });

  test("is ready when it waits for nothing", async () => {
    expect((await appWaitingFor(null).request("/readyz")).status).toBe(200);
  });

  test("shows its metrics to a key that may read them, and to nobody else", async () => {
    const app = appWaitingFor(null);
    expect((await app.request("/metrics")).status).toBe(401);
    const wrong = { headers: { authorization: "Bearer other" } };
    expect((await app.request("/metrics", wrong)).status).toBe(401);
    const right = await app.request("/metrics", { headers: { authorization: "Bearer secret" } });
    expect(right.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    expect(await right.text()).toContain("origin_test_total 3");
  });

  test("answers a problem where there is nothing", async () => {
    const answer = await appWaitingFor(null).request("/nothing");
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });
});
