import { reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, it } from "vitest";
import { EVENT_SCHEMA_NAMES } from "../../../contract/events.ts";
import { EventBatchSchema } from "../../../contract/schemas/generated/events_pb.js";
import { SCHEMA_SOURCES } from "../../../contract/schemas/generated/schema-sources.ts";
import type { DemandEvent } from "../../../domain/event.ts";
import {
  avroFile,
  BODY_MAKERS,
  protobufBytes,
  type SentEvent,
} from "../../support/event-bodies.ts";
import { publishRegions } from "../../support/publish-regions.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";
import { type ProblemAnswer, postBody, SENT, textBody } from "./post-body.ts";
import { storedEvents } from "./stored-events.ts";

beforeEach(async () => {
  await reset();
  await publishRegions(env.CONFIG);
});

/** Without what differs by format: a CloudEvent's key has its source in it. */
const told = (events: readonly DemandEvent[]) =>
  events
    .map(({ keyHigh: _, keyLow: __, ...event }) => event)
    .sort((a, b) => a.regionId.localeCompare(b.regionId));

describe("every format", () => {
  it.each(BODY_MAKERS.map((maker) => [maker.name, maker] as const))(
    "stores what JSON would: %s",
    async (_, maker) => {
      const list: [SentEvent, ...SentEvent[]] = maker.isSingle ? [SENT[0]] : SENT;
      await postBody(textBody("application/json", JSON.stringify(list)));
      const expected = told(await storedEvents());
      expect(expected).toHaveLength(list.length);
      await reset();
      await publishRegions(env.CONFIG);
      const response = await postBody(maker.of(list));
      expect(await response.json()).toEqual({ accepted: list.length, rejected: [] });
      expect(response.status).toBe(202);
      expect(told(await storedEvents())).toEqual(expected);
    },
  );

  it.each(BODY_MAKERS.map((maker) => [maker.name, maker] as const))(
    "has the same caps: %s",
    async (_, maker) => {
      const large: SentEvent = { ...SENT[0], metadata: { x: "é".repeat(2_100) } };
      const overMetadata = await postBody(maker.of([large]));
      expect(overMetadata.status).toBe(400);
      const { errors = [] } = await overMetadata.json<ProblemAnswer>();
      expect(errors[0]?.path).toMatch(/metadata$/);
      if (!maker.isSingle) {
        const tooMany = await postBody(
          maker.of([SENT[0], ...new Array<SentEvent>(500).fill(SENT[1])]),
        );
        expect(tooMany.status).toBe(400);
        expect((await tooMany.json<ProblemAnswer>()).type).toBe("/docs/problems#too_many_events");
      }
      const right = maker.of(SENT);
      const tooLarge = await postBody({
        headers: right.headers,
        body: new Uint8Array(1024 * 1024 + 1),
      });
      expect(tooLarge.status).toBe(413);
      await tooLarge.body?.cancel();
      expect(await storedEvents()).toEqual([]);
    },
  );

  it.each(BODY_MAKERS.map((maker) => [maker.name, maker] as const))(
    "is clamped and refused by the same rule of clocks: %s",
    async (_, maker) => {
      const ahead = (ms: number): SentEvent => ({
        ...SENT[0],
        timestamp: new Date(Date.now() + ms).toISOString(),
      });
      const before = Date.now();
      expect((await postBody(maker.of([ahead(200_000)]))).status).toBe(202);
      const [stored] = await storedEvents();
      expect(stored?.occurredAt).toBeGreaterThanOrEqual(before);
      expect(stored?.occurredAt).toBeLessThanOrEqual(Date.now());
      const refused = await postBody(maker.of([ahead(400_000)]));
      expect(refused.status).toBe(400);
      expect((await refused.json<ProblemAnswer>()).errors?.[0]?.path).toMatch(/timestamp$/);
    },
  );
});

describe("Protobuf and Avro", () => {
  it("reject an event that cannot be read, and take the others", async () => {
    const [right, wrong] = [protobufBytes([SENT[1]]), Uint8Array.of(0x0a, 2, 0x0a, 0x7f)];
    const response = await postBody({
      headers: { "content-type": "application/protobuf" },
      body: Uint8Array.from([...right, ...wrong]),
    });
    expect(await response.json()).toMatchObject({
      accepted: 1,
      rejected: [{ index: 1, type: "invalid_event" }],
    });
  });

  it("take no number that JSON cannot write", async () => {
    const batch = create(EventBatchSchema, {
      events: [
        {
          eventType: "view",
          regionId: "nyc-161",
          idempotencyKey: "k",
          timestamp: { seconds: 2n ** 60n, nanos: 0 },
        },
      ],
    });
    const response = await postBody({
      headers: { "content-type": "application/protobuf" },
      body: toBinary(EventBatchSchema, batch),
    });
    expect((await response.json<ProblemAnswer>()).errors?.[0]?.path).toBe("events[0].timestamp");
    const nan = protobufBytes([{ ...SENT[0], metadata: { n: 1.5 } }]);
    const at = Buffer.from(nan).indexOf(Buffer.from("000000000000f83f", "hex"));
    nan.set(Buffer.from("000000000000f87f", "hex"), at);
    const refused = await postBody({
      headers: { "content-type": "application/protobuf" },
      body: Uint8Array.from(nan),
    });
    expect((await refused.json<ProblemAnswer>()).errors?.[0]?.path).toBe("events[0].metadata.n");
  });

  it("do not look into blocks of an Avro file that have no events, for a body may have thousands", async () => {
    const file = avroFile([SENT[0]], { codec: "deflate", emptyBlocks: 40_000 });
    const response = await postBody({
      headers: { "content-type": "application/avro" },
      body: Uint8Array.from(file),
    });
    expect(await response.json()).toEqual({ accepted: 1, rejected: [] });
  });

  it("say what of a schema does not fit", async () => {
    const schema = JSON.stringify({
      type: "record",
      name: "Event",
      fields: [{ name: "colour", type: "string" }],
    });
    const response = await postBody({
      headers: { "content-type": "application/avro" },
      body: Uint8Array.from(avroFile([], { schema })),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: "/docs/problems#malformed_body",
      detail: expect.stringContaining('"colour"'),
    });
  });
});

describe("schemas", () => {
  const get = (name: string, method = "GET") =>
    exports.default.fetch(`https://example.test/api/v1/events/schemas/${name}`, { method });

  it("are served to everyone, as they are used here", async () => {
    for (const name of EVENT_SCHEMA_NAMES) {
      const response = await get(name);
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(SCHEMA_SOURCES[name]);
    }
  });

  it("are these only, and read only", async () => {
    expect((await get("constructor")).status).toBe(404);
    expect((await get("event.avsc", "POST")).status).toBe(405);
  });
});

describe("metrics of the door", () => {
  it("count by format, and what was compressed and clamped", async () => {
    const counted = async (name: string) => {
      const response = await exports.default.fetch("https://example.test/metrics", {
        headers: bearer(TEST_KEYS.ingest),
      });
      const line = (await response.text()).split("\n").find((one) => one.startsWith(`${name} `));
      return Number(line?.split(" ").at(-1) ?? 0);
    };
    const names = [
      'ingest_events_accepted_total{format="protobuf"}',
      'ingest_bodies_total{format="protobuf"}',
      'ingest_sent_bytes_total{format="protobuf"}',
      'ingest_body_bytes_total{format="protobuf"}',
      "ingest_events_clamped_total",
    ];
    const before = await Promise.all(names.map(counted));
    const ahead = { ...SENT[1], timestamp: new Date(Date.now() + 60_000).toISOString() };
    const body = protobufBytes([SENT[0], ahead]);
    const sent = Uint8Array.from(gzipSync(body));
    await postBody({
      headers: { "content-type": "application/x-protobuf", "content-encoding": "gzip" },
      body: sent,
    });
    const after = await Promise.all(names.map(counted));
    expect(after.map((value, i) => value - (before[i] ?? 0))).toEqual([
      2,
      1,
      sent.byteLength,
      body.byteLength,
      1,
    ]);
  });
});
