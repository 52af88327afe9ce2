/** Limits of single events, and what browsers may do, at the door for events. */
import { reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { EventsAnswer } from "../../../contract/events.ts";
import { publishRegions } from "../../support/publish-regions.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";
import { storedEvents } from "./stored-events.ts";

beforeEach(async () => {
  await reset();
  await publishRegions(env.CONFIG);
});

const URL = "https://example.test/api/v1/events";
let sequence = 0;
/** The isolate remembers buckets from test to test, so each has users of its own. */
const someone = () => `someone-${sequence++}`;
const event = (user_id?: string, region_id = "nyc-161") => ({
  event_type: "search",
  region_id,
  timestamp: new Date().toISOString(),
  idempotency_key: `e-${sequence++}`,
  ...(user_id === undefined ? {} : { user_id }),
});

function post(events: object[], key: string, headers: Record<string, string> = {}) {
  return exports.default.fetch(URL, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "cf-connecting-ip": `10.9.0.${sequence++}`,
      ...bearer(key),
      ...headers,
    },
    body: JSON.stringify(events),
  });
}

async function answerOf(response: Response): Promise<EventsAnswer> {
  expect(response.status).toBe(202);
  return response.json();
}

describe("a public key", () => {
  it("has events over a user's limit refused one by one, and takes the others", async () => {
    const [busy, calm] = [someone(), someone()];
    const before = Array.from({ length: 80 }, () => event(busy));
    await answerOf(await post(before, TEST_KEYS.public));
    const events = Array.from({ length: 80 }, (_, i) => event(i % 10 === 0 ? calm : busy));
    const { accepted, rejected } = await answerOf(await post(events, TEST_KEYS.public));
    // The 20 left of a burst of 100, the 8 of the calm one, and what was refilled meanwhile.
    expect(accepted).toBeGreaterThanOrEqual(28);
    expect(accepted).toBeLessThan(40);
    expect(accepted + rejected.length).toBe(80);
    for (const { type, index, detail } of rejected) {
      expect(type).toBe("rate_limited");
      expect(detail).toMatch(/^The limit per user of this key is 1000 a minute/);
      expect(index % 10).not.toBe(0);
    }
    expect(await storedEvents()).toHaveLength(80 + accepted);
  });

  it("gets a 429 that names the policy once nothing is left to accept", async () => {
    const user = someone();
    const many = () => Array.from({ length: 110 }, () => event(user));
    await (await post(many(), TEST_KEYS.public)).body?.cancel();
    const response = await post([event(user), event(user), event(user)], TEST_KEYS.public);
    expect(response.status).toBe(429);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(response.headers.get("ratelimit")).toMatch(/^"user";r=0;t=\d+$/);
    expect(response.headers.get("ratelimit-policy")).toBe('"user";q=1000;w=60');
    expect(await response.json()).toMatchObject({ type: "/docs/problems#rate_limited" });
  });

  it("charges an address for each event, whoever it is about", async () => {
    const headers = { "cf-connecting-ip": "198.51.100.7" };
    const events = Array.from({ length: 200 }, () => event());
    const { accepted, rejected } = await answerOf(await post(events, TEST_KEYS.public, headers));
    expect(accepted).toBeGreaterThanOrEqual(100);
    expect(accepted).toBeLessThan(150);
    expect(rejected.every(({ detail }) => detail.includes("per address"))).toBe(true);
    const elsewhere = { "cf-connecting-ip": "198.51.100.8" };
    await answerOf(await post([event()], TEST_KEYS.public, elsewhere));
  });

  it("counts one address for a whole IPv6 network", async () => {
    const spend = { "cf-connecting-ip": "2001:db8:0:7::1" };
    await (
      await post(
        Array.from({ length: 200 }, () => event()),
        TEST_KEYS.public,
        spend,
      )
    ).body?.cancel();
    const neighbour = { "cf-connecting-ip": "2001:db8:0:7:ffff::2" };
    const response = await post([event()], TEST_KEYS.public, neighbour);
    expect(response.status).toBe(429);
    expect(response.headers.get("ratelimit-policy")).toBe('"ip";q=5000;w=60');
    await response.body?.cancel();
  });

  it("is charged once for a body that is read twice, and not for one that is not taken", async () => {
    const user = someone();
    const send = async (body: object) => {
      const response = await exports.default.fetch(URL, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "cf-connecting-ip": `10.9.1.${sequence++}`,
          ...bearer(TEST_KEYS.public),
        },
        body: JSON.stringify(body),
      });
      return { status: response.status, answer: await response.json<Partial<EventsAnswer>>() };
    };
    const many = (count: number) => Array.from({ length: count }, () => event(user));
    for (let n = 0; n < 3; n++) {
      expect((await send({ events: many(60), colour: "red" })).status).toBe(400);
    }
    const { answer } = await send([...many(60), 5]);
    expect(answer).toMatchObject({
      accepted: 60,
      rejected: [{ index: 60, type: "invalid_event" }],
    });
    expect((await send(many(30))).answer).toEqual({ accepted: 30, rejected: [] });
  });

  it("may post events and do nothing else", async () => {
    const response = await exports.default.fetch("https://example.test/metrics", {
      headers: bearer(TEST_KEYS.public),
    });
    expect(response.status).toBe(403);
    await response.body?.cancel();
  });
});

describe("a server's key", () => {
  it("speaks for any number of events of a user", async () => {
    const user = someone();
    const events = Array.from({ length: 500 }, () => event(user));
    const { accepted } = await answerOf(await post(events, TEST_KEYS.ingest));
    expect(accepted).toBe(500);
  });

  it("has its limit per region where it sets one", async () => {
    const events = Array.from({ length: 8 }, () => event(undefined, "nyc-234"));
    const { accepted, rejected } = await answerOf(
      await post([...events, event(undefined, "nyc-161")], TEST_KEYS.regional),
    );
    expect(accepted).toBe(6);
    expect(rejected.map(({ index }) => index)).toEqual([5, 6, 7]);
  });
});

describe("browsers", () => {
  const origin = "https://shop.example.test";
  const preflight = (method: string) =>
    exports.default.fetch(URL, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type",
      },
    });

  it("may post events from any page", async () => {
    const response = await preflight("POST");
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-methods")).toBe("POST");
    const allowed = (response.headers.get("access-control-allow-headers") ?? "").split(", ");
    // All that a CloudEvent in binary mode has to have here.
    const ofCloudEvents = ["specversion", "id", "source", "type", "subject", "time"];
    for (const name of [
      "authorization",
      "content-type",
      ...ofCloudEvents.map((one) => `ce-${one}`),
    ]) {
      expect(allowed).toContain(name);
    }
  });

  it("read answers and refusals, and the headers that say when to come again", async () => {
    const accepted = await post([event()], TEST_KEYS.public, { origin });
    const refused = await post([event()], "nonsense", { origin });
    for (const response of [accepted, refused]) {
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      const exposed = response.headers.get("access-control-expose-headers") ?? "";
      for (const name of ["ratelimit", "ratelimit-policy", "retry-after", "x-trace-id"]) {
        expect(exposed.split(", ")).toContain(name);
      }
      await response.body?.cancel();
    }
  });

  it("read nothing with a server's key, and take no key from the address", async () => {
    const withServerKey = await post([event()], TEST_KEYS.ingest, { origin });
    expect(withServerKey.headers.get("access-control-allow-origin")).toBeNull();
    await withServerKey.body?.cancel();
    const inAddress = await exports.default.fetch(`${URL}?key=${TEST_KEYS.public}`, {
      method: "POST",
      headers: { "content-type": "text/plain", origin },
      body: JSON.stringify(event()),
    });
    expect(inAddress.status).toBe(401);
    await inAddress.body?.cancel();
  });

  it("ask in vain for what no page may do", async () => {
    const response = await exports.default.fetch("https://example.test/metrics", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "GET" },
    });
    expect(response.status).toBe(405);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    await response.body?.cancel();
  });
});
