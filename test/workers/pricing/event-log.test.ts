import { reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { sectionsOf } from "../../../contract/event-batch.ts";
import {
  logWritersAnswerSchema,
  segmentKey,
  segmentMetadataOf,
  segmentsAnswerSchema,
} from "../../../contract/event-log.ts";
import { LOG_RECORD_KIND, logRecordsOf, writeLogRecord } from "../../../contract/log-records.ts";
import { ByteWriter } from "../../../domain/bytes.ts";
import type { EpochMs } from "../../../domain/units.ts";
import { eventLogStoreFrom } from "../../../workers/pricing/event-log-store.ts";
import worker from "../../../workers/pricing/index.ts";
import { publishRegions } from "../../support/publish-regions.ts";
import { TEST_KEYS } from "../../support/test-keys.ts";
import { migrate } from "./migrate.ts";
import { World } from "./world.ts";

const ask = (path: string, key: string = TEST_KEYS.admin) =>
  exports.default.fetch(`https://pricing.test${path}`, {
    headers: { authorization: `Bearer ${key}` },
  });
const LOG = "/admin/v1/event-log";
const T0 = Date.UTC(2026, 0, 11, 10, 30);

/** A segment of `records` records, made at T0 and a second after each other. */
function segmentOf(records: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (let n = 0; n < records; n++) {
    const at = (T0 + n * 1_000) as EpochMs;
    writeLogRecord(writer, { kind: LOG_RECORD_KIND.demandSignals, at, payload: Uint8Array.of(n) });
  }
  return writer.copy();
}

async function put(name: string, sequences: number[], records = 2): Promise<void> {
  const bytes = segmentOf(records);
  const customMetadata = segmentMetadataOf(bytes);
  for (const sequence of sequences) {
    await env.EVENT_LOG.put(segmentKey(name, sequence), bytes, { customMetadata });
  }
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
const keptOf = async (writer: string) => {
  const { objects } = await env.EVENT_LOG.list({ prefix: `log/${writer}/` });
  return objects.map(({ key }) => Number(key.slice(-12)));
};

beforeAll(migrate);
beforeEach(async () => {
  const { objects } = await env.EVENT_LOG.list();
  await env.EVENT_LOG.delete(objects.map(({ key }) => key));
});

describe("the event log's routes", () => {
  it("list writers, and the segments of each in order, a page at a time", async () => {
    await put("outbox-0-77", upTo(12));
    await put("outbox-1-88", [1]);
    const { writers } = logWritersAnswerSchema.parse(await (await ask(LOG)).json());
    expect(writers.map(({ writer }) => writer)).toEqual(["outbox-0-77", "outbox-1-88"]);

    const sequences: number[] = [];
    for (let more = true; more; ) {
      const after = sequences.at(-1) ?? 0;
      const response = await ask(`${LOG}/outbox-0-77?after=${after}&limit=5`);
      const page = segmentsAnswerSchema.parse(await response.json());
      expect(page.writer).toBe("outbox-0-77");
      sequences.push(...page.segments.map(({ sequence }) => sequence));
      more = page.more;
    }
    expect(sequences).toEqual(upTo(12));
  });

  it("tell of a segment what is in it", async () => {
    await put("outbox-0-77", [1], 3);
    const { segments } = segmentsAnswerSchema.parse(await (await ask(`${LOG}/outbox-0-77`)).json());
    expect(segments).toMatchObject([
      {
        sequence: 1,
        bytes: segmentOf(3).byteLength,
        records: 3,
        first_at: "2026-01-11T10:30:00.000Z",
        last_at: "2026-01-11T10:30:02.000Z",
      },
    ]);
    expect(Date.parse(segments[0]?.written_at ?? "")).toBeGreaterThan(Date.now() - 60_000);
  });

  it("give the bytes of a segment as they were written", async () => {
    await put("outbox-0-77", [7], 5);
    const response = await ask(`${LOG}/outbox-0-77/7`);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(segmentOf(5));
  });

  it("know nothing of what is not there, and say so", async () => {
    const missing = await ask(`${LOG}/outbox-0-77/7`);
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ type: "/docs/problems#unknown_segment" });
    expect(await (await ask(`${LOG}/outbox-9-1`)).json()).toEqual({
      writer: "outbox-9-1",
      segments: [],
      more: false,
    });
    await env.EVENT_LOG.put("log/outbox-0-77/notes.txt", "someone else's");
    expect(await (await ask(`${LOG}/outbox-0-77`)).json()).toMatchObject({ segments: [] });
  });

  it.each([
    ["a writer with no epoch", `${LOG}/outbox`, "writer"],
    ["a writer that climbs", `${LOG}/..%2Fmodels-1`, "writer"],
    ["a sequence of 0", `${LOG}/outbox-0-77/0`, "sequence"],
    ["a sequence that is none", `${LOG}/outbox-0-77/first`, "sequence"],
    ["a negative cursor", `${LOG}/outbox-0-77?after=-1`, "after"],
    ["a limit of 0", `${LOG}/outbox-0-77?limit=0`, "limit"],
    ["a limit beyond a page", `${LOG}/outbox-0-77?limit=1001`, "limit"],
    ["a name it does not know", `${LOG}/outbox-0-77?limt=5`, "limt"],
  ])("refuse %s", async (_, path, field) => {
    const response = await ask(path);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ errors: [{ path: field }] });
  });

  it.each(["", "/outbox-0-77", "/outbox-0-77/1"])("are for administrators: %s", async (path) => {
    expect((await ask(`${LOG}${path}`, TEST_KEYS.pricing)).status).toBe(403);
  });

  it("answer 503 while the store is down", async () => {
    const world = new World().set("fails", "r2");
    for (const path of ["", "/outbox-0-77", "/outbox-0-77/1"]) {
      const response = await world.fetch(`${LOG}${path}`, { key: "admin" });
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).toBe("2");
    }
  });
});

describe("an event that was accepted", () => {
  it("is in the log a few seconds later", async () => {
    await publishRegions(env.CONFIG);
    const event = {
      event_type: "booking",
      region_id: "nyc-161",
      timestamp: new Date().toISOString(),
      idempotency_key: "logged-1",
    };
    const accepted = await exports.default.fetch("https://pricing.test/api/v1/events", {
      method: "POST",
      headers: {
        authorization: `Bearer ${TEST_KEYS.admin}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(event),
    });
    expect(accepted.status).toBe(202);
    const writer = await vi.waitFor(
      async () => {
        const { writers } = logWritersAnswerSchema.parse(await (await ask(LOG)).json());
        expect(writers).toHaveLength(1);
        return writers[0]?.writer ?? "";
      },
      { timeout: 15_000, interval: 200 },
    );
    const bytes = new Uint8Array(await (await ask(`${LOG}/${writer}/1`)).arrayBuffer());
    const [record] = logRecordsOf(bytes);
    expect(record?.kind).toBe(LOG_RECORD_KIND.events);
    expect([...sectionsOf(bytes)]).toMatchObject([{ regionId: "nyc-161", count: 1 }]);
    await reset();
    await migrate();
  });
});

describe("the retention of the event log", () => {
  it("deletes from the front of each writer, and nothing younger", async () => {
    await put("outbox-0-77", upTo(3));
    await put("outbox-1-88", upTo(2));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const at = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await put("outbox-0-77", [4, 5]);
    const store = eventLogStoreFrom(env.EVENT_LOG);
    expect(await store.forgetBefore(at)).toBe(5);
    expect(await keptOf("outbox-0-77")).toEqual([4, 5]);
    expect(await keptOf("outbox-1-88")).toEqual([]);
    expect(await store.forgetBefore(at)).toBe(0);
  });

  it("keeps what comes after a segment that is kept, however old: no holes", async () => {
    await put("outbox-0-77", [2, 3]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const at = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Put again after its answer was lost.
    await put("outbox-0-77", [2]);
    expect(await eventLogStoreFrom(env.EVENT_LOG).forgetBefore(at)).toBe(0);
    expect(await keptOf("outbox-0-77")).toEqual([2, 3]);
  });

  it("is the cron's, after as many days as the variable says", async () => {
    await put("outbox-0-77", [1]);
    await worker.scheduled({} as never, { ...env, EVENT_LOG_RETENTION_DAYS: "7" } as never);
    expect(await keptOf("outbox-0-77")).toEqual([1]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const soon = { ...env, EVENT_LOG_RETENTION_DAYS: String(1 / 86_400_000) };
    await worker.scheduled({} as never, soon as never);
    expect(await keptOf("outbox-0-77")).toEqual([]);
    const broken = { ...env, EVENT_LOG_RETENTION_DAYS: "" };
    await expect(worker.scheduled({} as never, broken as never)).rejects.toThrow("number of days");
  });
});
