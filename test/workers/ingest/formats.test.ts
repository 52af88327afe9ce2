import { reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { deflateSync, gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, it } from "vitest";
import { EVENT_SCHEMA_NAMES, type EventsAnswer } from "../../../contract/events.ts";
import { EventBatchSchema } from "../../../contract/schemas/generated/events_pb.js";
import { SCHEMA_SOURCES } from "../../../contract/schemas/generated/schema-sources.ts";
import type { DemandEvent } from "../../../domain/event.ts";
import {
  avroFile,
  BODY_MAKERS,
  type EventBody,
  protobufBytes,
  type SentEvent,
} from "../../support/event-bodies.ts";
import { publishRegions } from "../../support/publish-regions.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";
import { storedEvents } from "./stored-events.ts";

beforeEach(async () => {
  await reset();
  await publishRegions(env.CONFIG);
});

function post({ headers, body }: EventBody): Promise<Response> {
  return exports.default.fetch("https://example.test/api/v1/events", {
    method: "POST",
    headers: { ...headers, ...bearer(TEST_KEYS.ingest) },
    body,
  });
}

const textBody = (type: string, text: string, headers: Record<string, string> = {}): EventBody => ({
  headers: { "content-type": type, ...headers },
  body: Uint8Array.from(Buffer.from(text)),
});

const timestamp = new Date(Date.now() - 1_000).toISOString();
const SENT: [SentEvent, SentEvent] = [
  {
    event_type: "booking",
    region_id: "nyc-161",
    timestamp,
    idempotency_key: "b-1",
    user_id: "ann",
    product_type: "standard_ride",
    quantity: 2,
    metadata: { source: "app", n: 1.5 },
  },
  { event_type: "search", region_id: "nyc-234", timestamp, idempotency_key: "b-2" },
];

/** Without what differs by format: a CloudEvent's key has its source in it. */
const told = (events: readonly DemandEvent[]) =>
  events
    .map(({ keyHigh: _, keyLow: __, ...event }) => event)
    .sort((a, b) => a.regionId.localeCompare(b.regionId));

interface ProblemAnswer {
  type: string;
  detail: string;
  errors?: { path: string; detail: string }[];
}

describe("every format", () => {
  it.each(BODY_MAKERS.map((maker) => [maker.name, maker] as const))(
    "stores what JSON would: %s",
    async (_, maker) => {
      const list: [SentEvent, ...SentEvent[]] = maker.isSingle ? [SENT[0]] : SENT;
      await post(textBody("application/json", JSON.stringify(list)));
      const expected = told(await storedEvents());
      expect(expected).toHaveLength(list.length);
      await reset();
      await publishRegions(env.CONFIG);
      const response = await post(maker.of(list));
      expect(await response.json()).toEqual({ accepted: list.length, rejected: [] });
      expect(response.status).toBe(202);
      expect(told(await storedEvents())).toEqual(expected);
    },
  );

  it.each(BODY_MAKERS.map((maker) => [maker.name, maker] as const))(
    "has the same caps: %s",
    async (_, maker) => {
      const large: SentEvent = { ...SENT[0], metadata: { x: "é".repeat(2_100) } };
      const overMetadata = await post(maker.of([large]));
      expect(overMetadata.status).toBe(400);
      const { errors = [] } = await overMetadata.json<ProblemAnswer>();
      expect(errors[0]?.path).toMatch(/metadata$/);
      if (!maker.isSingle) {
        const tooMany = await post(maker.of([SENT[0], ...new Array<SentEvent>(500).fill(SENT[1])]));
        expect(tooMany.status).toBe(400);
        expect((await tooMany.json<ProblemAnswer>()).type).toBe("/docs/problems#too_many_events");
      }
      const right = maker.of(SENT);
      const tooLarge = await post({
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
      expect((await post(maker.of([ahead(200_000)]))).status).toBe(202);
      const [stored] = await storedEvents();
      expect(stored?.occurredAt).toBeGreaterThanOrEqual(before);
      expect(stored?.occurredAt).toBeLessThanOrEqual(Date.now());
      const refused = await post(maker.of([ahead(400_000)]));
      expect(refused.status).toBe(400);
      expect((await refused.json<ProblemAnswer>()).errors?.[0]?.path).toMatch(/timestamp$/);
    },
  );
});

describe("CloudEvents", () => {
  const envelope = {
    specversion: "1.0",
    id: "1",
    source: "/apps/rider",
    type: "booking",
    subject: "nyc-161",
    time: timestamp,
  };
  const structured = (fields: object) =>
    textBody("application/cloudevents+json", JSON.stringify({ ...envelope, ...fields }));

  it("are one event when source and id are", async () => {
    const keys = async (...fields: object[]) => {
      await reset();
      await publishRegions(env.CONFIG);
      for (const one of fields) expect((await post(structured(one))).status).toBe(202);
      return new Set((await storedEvents()).map(({ keyHigh, keyLow }) => `${keyHigh}.${keyLow}`))
        .size;
    };
    expect(await keys({}, { data: { quantity: 2 } })).toBe(1);
    expect(await keys({}, { id: "2" }, { source: "/apps/driver" })).toBe(3);
    const long = "x".repeat(500);
    expect(await keys({ id: long }, { id: `${long}y` }, { id: long })).toBe(2);
  });

  it("fill in from the envelope what the data does not say itself", async () => {
    await post(
      structured({
        type: "pricing.events.view",
        data: { region_id: "nyc-234", metadata: { a: 1 } },
      }),
    );
    expect(await storedEvents()).toMatchObject([
      { eventType: "view", regionId: "nyc-234", metadata: '{"a":1}' },
    ]);
  });

  it("may have extensions and null attributes, and no data", async () => {
    const response = await post(
      structured({ traceparent: "00-x", comexampleextension: 5, dataschema: null, data: null }),
    );
    expect(response.status).toBe(202);
  });

  const bad: [name: string, fields: object, path: string][] = [
    ["another version", { specversion: "0.3" }, "specversion"],
    ["no id", { id: undefined }, "id"],
    ["a source with spaces", { source: "my app" }, "source"],
    ["a type that is none of ours", { type: "com.example.order" }, "event_type"],
    ["no subject", { subject: undefined }, "region_id"],
    ["a time that is none", { time: "now" }, "timestamp"],
    ["data that is a text", { data: "booked" }, "data"],
    ["data with an unknown field", { data: { colour: "red" } }, "colour"],
    ["data twice", { data: {}, data_base64: "e30=" }, "data"],
    ["data that is no base64", { data_base64: "%%%" }, "data_base64"],
    ["data of an unknown type", { data_base64: "e30=", datacontenttype: "text/csv" }, "data"],
    ["data that is broken", { data_base64: "AAAA", datacontenttype: "avro/binary" }, "data"],
    ["data of two events", { data_base64: Buffer.from("[{},{}]").toString("base64") }, "data"],
  ];
  it.each(bad)("are refused with %s", async (_, fields, path) => {
    const response = await post(structured(fields));
    expect(response.status).toBe(400);
    expect((await response.json<ProblemAnswer>()).errors?.map((error) => error.path)).toContain(
      path,
    );
  });

  it("are taken one by one from a batch", async () => {
    const list = [envelope, { ...envelope, id: "2", specversion: "2.0" }, 5];
    const response = await post(
      textBody("application/cloudevents-batch+json", JSON.stringify(list)),
    );
    const answer = await response.json<EventsAnswer>();
    expect(answer).toMatchObject({
      accepted: 1,
      rejected: [{ index: 1, type: "invalid_event" }, { index: 2 }],
    });
  });

  it("in binary mode have their headers unquoted and percent-decoded", async () => {
    const headers = (source: string) => ({
      "ce-specversion": "1.0",
      "ce-id": "1",
      "ce-source": source,
      "ce-type": "view",
      "ce-subject": "nyc-161",
      "ce-time": timestamp,
    });
    const forms = ["/caf\u00e9", "/caf%C3%A9", '"/caf%c3%a9"'];
    for (const form of forms.slice(1)) {
      expect((await post({ headers: headers(form), body: new Uint8Array() })).status).toBe(202);
    }
    await post(structured({ type: "view", source: forms[0] }));
    const stored = await storedEvents();
    expect(stored).toHaveLength(3);
    expect(new Set(stored.map(({ keyLow }) => keyLow)).size).toBe(1);
  });
});

describe("Protobuf and Avro", () => {
  it("reject an event that cannot be read, and take the others", async () => {
    const [right, wrong] = [protobufBytes([SENT[1]]), Uint8Array.of(0x0a, 2, 0x0a, 0x7f)];
    const response = await post({
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
    const response = await post({
      headers: { "content-type": "application/protobuf" },
      body: toBinary(EventBatchSchema, batch),
    });
    expect((await response.json<ProblemAnswer>()).errors?.[0]?.path).toBe("events[0].timestamp");
    const nan = protobufBytes([{ ...SENT[0], metadata: { n: 1.5 } }]);
    const at = Buffer.from(nan).indexOf(Buffer.from("000000000000f83f", "hex"));
    nan.set(Buffer.from("000000000000f87f", "hex"), at);
    const refused = await post({
      headers: { "content-type": "application/protobuf" },
      body: Uint8Array.from(nan),
    });
    expect((await refused.json<ProblemAnswer>()).errors?.[0]?.path).toBe("events[0].metadata.n");
  });

  it("say what of a schema does not fit", async () => {
    const schema = JSON.stringify({
      type: "record",
      name: "Event",
      fields: [{ name: "colour", type: "string" }],
    });
    const response = await post({
      headers: { "content-type": "application/avro" },
      body: Uint8Array.from(avroFile([], schema)),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      type: "/docs/problems#malformed_body",
      detail: expect.stringContaining('"colour"'),
    });
  });
});

describe("Content-Encoding", () => {
  const text = JSON.stringify(SENT);
  const packed = (coding: string, body: Uint8Array) => ({
    headers: { "content-type": "application/json", "content-encoding": coding },
    body: Uint8Array.from(body),
  });
  it.each([
    ["gzip", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    ["GZIP", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["identity", Buffer.from(text)],
  ])("%s is taken", async (coding, body) => {
    expect(await (await post(packed(coding, body))).json()).toEqual({ accepted: 2, rejected: [] });
  });

  it.each(["br", "zstd", "gzip, gzip", "deflate, gzip", "nonsense"])(
    "%s is refused, and what is taken is said",
    async (coding) => {
      const response = await post(packed(coding, Buffer.from(text)));
      expect(response.status).toBe(415);
      expect(response.headers.get("accept-encoding")).toBe("gzip, deflate, identity");
      expect((await response.json<ProblemAnswer>()).type).toBe(
        "/docs/problems#unsupported_content_coding",
      );
    },
  );

  it("may not unfold to more than a body may have", async () => {
    const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024));
    const response = await post(packed("gzip", bomb));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining("inflated") });
  });

  it.each([
    ["cut short", gzipSync(text).subarray(0, 40)],
    ["none at all", Buffer.from(text)],
    ["empty", Buffer.alloc(0)],
  ])("is a client's mistake where it is %s", async (_, body) => {
    const response = await post(packed("gzip", body));
    expect(response.status).toBe(400);
    expect((await response.json<ProblemAnswer>()).type).toBe("/docs/problems#malformed_body");
  });
});

describe("metadata", () => {
  const withMetadata = (text: string, type = "booking") =>
    textBody(
      "application/json",
      `[{"event_type":"${type}","region_id":"nyc-161","timestamp":"${timestamp}","idempotency_key":"m","metadata":${text}}]`,
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
      const response = await post(withMetadata(text, type));
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
    expect((await post(withMetadata(text))).status).toBe(202);
    expect(await storedEvents()).toMatchObject([{ metadata: kept }]);
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
    await post({
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
