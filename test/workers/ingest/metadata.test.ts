import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { publishRegions } from "../../support/publish-regions.ts";
import { type ProblemAnswer, postBody, SENT, textBody } from "./post-body.ts";
import { storedEvents } from "./stored-events.ts";

beforeEach(async () => {
  await reset();
  await publishRegions(env.CONFIG);
});

describe("metadata", () => {
  const withMetadata = (text: string, type = "booking") =>
    textBody(
      "application/json",
      `[{"event_type":"${type}","region_id":"nyc-161","timestamp":"${SENT[0].timestamp}","idempotency_key":"m","metadata":${text}}]`,
    );
  const bad: [name: string, text: string, path: string][] = [
    ["nested 100,000 deep", `{"a":${"[".repeat(1e5)}${"]".repeat(1e5)}}`, "events[0].metadata.a"],
    ["nested 33 deep", `${'{"a":'.repeat(33)}1${"}".repeat(33)}`, "events[0].metadata.a"],
    ["with a number out of range", '{"a":[1,1e999]}', "events[0].metadata.a[1]"],
    [
      "with a field that names its prototype",
      '{"a":{"__proto__":{"b":1}}}',
      "events[0].metadata.a.__proto__",
    ],
    ["with that field at its top", '{"__proto__":{"b":1}}', "events[0].metadata.__proto__"],
  ];
  it.each(bad)("%s is refused", async (_, text, path) => {
    for (const type of ["booking", "sale"]) {
      const response = await postBody(withMetadata(text, type));
      expect(response.status).toBe(400);
      const [error] = (await response.json<ProblemAnswer>()).errors ?? [];
      expect(error?.path.startsWith(path)).toBe(true);
    }
  });

  it.each([
    ['{"a":"\\ud800"}', '{"a":"\\ud800"}'],
    ['{"b" : 1.50, "1": true}', '{"1":true,"b":1.5}'],
    [`${'{"a":'.repeat(32)}1${"}".repeat(32)}`, `${'{"a":'.repeat(32)}1${"}".repeat(32)}`],
  ])("%s is kept as JSON writes it", async (text, kept) => {
    expect((await postBody(withMetadata(text))).status).toBe(202);
    expect(await storedEvents()).toMatchObject([{ metadata: kept }]);
  });
});
