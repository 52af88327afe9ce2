import { env, exports } from "cloudflare:workers";
import { expect, it } from "vitest";

it("GET /healthz answers 200 without a key", async () => {
  expect(env.API_KEYS).toContain("key_ingest");
  const response = await exports.default.fetch("https://example.test/healthz");
  expect(response.status).toBe(200);
});
