import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { EventsAnswer } from "../../../contract/events.ts";
import { avroFile, type SentEvent } from "../../support/event-bodies.ts";
import { publishRegions } from "../../support/publish-regions.ts";
import { type ProblemAnswer, postBody, SENT, textBody } from "./post-body.ts";
import { storedEvents } from "./stored-events.ts";

beforeEach(async () => {
  await reset();
  await publishRegions(env.CONFIG);
});

describe("CloudEvents", () => {
  const envelope = {
    specversion: "1.0",
    id: "1",
    source: "/apps/rider",
    type: "booking",
    subject: "nyc-161",
    time: SENT[0].timestamp,
  };
  const structured = (fields: object) =>
    textBody("application/cloudevents+json", JSON.stringify({ ...envelope, ...fields }));

  it("are one event when source and id are", async () => {
    const keys = async (...fields: object[]) => {
      await reset();
      await publishRegions(env.CONFIG);
      for (const one of fields) expect((await postBody(structured(one))).status).toBe(202);
      return new Set((await storedEvents()).map(({ keyHigh, keyLow }) => `${keyHigh}.${keyLow}`))
        .size;
    };
    expect(await keys({}, { data: { quantity: 2 } })).toBe(1);
    expect(await keys({}, { id: "2" }, { source: "/apps/driver" })).toBe(3);
    const long = "x".repeat(500);
    expect(await keys({ id: long }, { id: `${long}y` }, { id: long })).toBe(2);
  });

  it("fill in from the envelope what the data does not say itself", async () => {
    await postBody(
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
    const response = await postBody(
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
    const response = await postBody(structured(fields));
    expect(response.status).toBe(400);
    expect((await response.json<ProblemAnswer>()).errors?.map((error) => error.path)).toContain(
      path,
    );
  });

  it("are taken one by one from a batch", async () => {
    const list = [envelope, { ...envelope, id: "2", specversion: "2.0" }, 5];
    const response = await postBody(
      textBody("application/cloudevents-batch+json", JSON.stringify(list)),
    );
    const answer = await response.json<EventsAnswer>();
    expect(answer).toMatchObject({
      accepted: 1,
      rejected: [{ index: 1, type: "invalid_event" }, { index: 2 }],
    });
  });

  it("of one batch share the room that compressed data may unfold to", async () => {
    const large = { ...SENT[0], metadata: { x: "x".repeat(600_000) } };
    const data = (event: SentEvent) =>
      Buffer.from(avroFile([event], { codec: "deflate" })).toString("base64");
    const list = [large, SENT[0], large, SENT[0]].map((event, i) => ({
      ...{ ...envelope, id: `${i}`, datacontenttype: "application/avro" },
      data_base64: data(event),
    }));
    const response = await postBody(
      textBody("application/cloudevents-batch+json", JSON.stringify(list)),
    );
    const { accepted, rejected } = await response.json<EventsAnswer>();
    expect(accepted).toBe(1);
    const paths = rejected.map(({ index, errors }) => [index, errors?.[0]?.path]);
    expect(paths).toEqual([
      [0, "metadata"],
      [2, "data"],
      [3, "data"],
    ]);
  });

  it("in binary mode have no ids that are not text, for these would be one id", async () => {
    for (const id of ["%ff", "%fe", "a%e2%82"]) {
      const response = await postBody({
        headers: {
          ...{ "ce-specversion": "1.0", "ce-id": id, "ce-source": "/a", "ce-type": "view" },
          ...{ "ce-subject": "nyc-161", "ce-time": SENT[0].timestamp },
        },
        body: new Uint8Array(),
      });
      expect(response.status).toBe(400);
      expect((await response.json<ProblemAnswer>()).errors?.[0]?.path).toBe("id");
    }
    expect(await storedEvents()).toEqual([]);
  });

  it("in binary mode have their headers unquoted and percent-decoded", async () => {
    const headers = (source: string) => ({
      "ce-specversion": "1.0",
      "ce-id": "1",
      "ce-source": source,
      "ce-type": "view",
      "ce-subject": "nyc-161",
      "ce-time": SENT[0].timestamp,
    });
    const forms = ["/caf\u00e9", "/caf%C3%A9", '"/caf%c3%a9"'];
    for (const form of forms.slice(1)) {
      expect((await postBody({ headers: headers(form), body: new Uint8Array() })).status).toBe(202);
    }
    await postBody(structured({ type: "view", source: forms[0] }));
    const stored = await storedEvents();
    expect(stored).toHaveLength(3);
    expect(new Set(stored.map(({ keyLow }) => keyLow)).size).toBe(1);
  });
});
