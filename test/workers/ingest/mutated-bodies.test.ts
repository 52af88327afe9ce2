import { reset } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { BatchPacker } from "../../../contract/event-batch.ts";
import type { EventsAnswer } from "../../../contract/events.ts";
import { PROBLEMS } from "../../../contract/problem.ts";
import type { EpochMs, RegionId } from "../../../domain/units.ts";
import { idHashesFrom } from "../../../workers/ingest/id-hashes.ts";
import { ingestMetrics } from "../../../workers/ingest/ingest-metrics.ts";
import { EventLimits } from "../../../workers/ingest/limits/event-limits.ts";
import { OrdinaryBodies } from "../../../workers/ingest/ordinary-bodies.ts";
import { postEvents } from "../../../workers/ingest/post-events.ts";
import type { EventBody } from "../../support/event-bodies.ts";
import { mutatedBodies } from "../../support/mutated-bodies.ts";
import { publishRegions, TEST_REGIONS } from "../../support/publish-regions.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";
import { eventsOf, storedEvents } from "./stored-events.ts";

const ADDRESS = "https://example.test/api/v1/events";
/** Of the 10,000 that one process takes in a row, and of those that go through the whole Worker into its outboxes. */
const BODIES = 10_000;
const BODIES_THROUGH_OUTBOX = 2_500;

const EXPECTED_ANSWERS = [
  "accepted",
  "body_too_large",
  "invalid_events",
  "malformed_body",
  "malformed_json",
  "too_many_events",
  "unsupported_content_coding",
  "unsupported_media_type",
];
const EXPECTED_FORMATS = [
  "avro",
  "avro-single",
  "cloudevents",
  "cloudevents-batch",
  "cloudevents-binary",
  "json",
  "ndjson",
  "protobuf",
];

/** The door with nothing behind it but a list of what it would store. */
function doorTo(stored: Uint8Array[]) {
  const now = Date.now() as EpochMs;
  const background = { waitUntil: () => undefined };
  const limits = new EventLimits(null, background);
  return (body: EventBody) =>
    postEvents(new Request(ADDRESS, { method: "POST", ...body }), {
      regions: async () => new Set(TEST_REGIONS as RegionId[]),
      eventNow: () => now,
      wallNow: () => now,
      clockClampMs: 300_000,
      hashes: HASHES,
      limits,
      refuse: limits.refuse,
      packer: PACKER,
      ordinaryBodies: BODIES_READER,
      append: async (batch) => {
        stored.push(batch);
        return "stored";
      },
      metrics: METRICS,
    });
}
const HASHES = idHashesFrom("secret");
const PACKER = new BatchPacker();
const BODIES_READER = new OrdinaryBodies();
const METRICS = ingestMetrics();

describe("bodies that nobody meant to send", () => {
  it("are answered, never failed at; what is accepted is stored, and nothing else", async () => {
    const stored: Uint8Array[] = [];
    const post = doorTo(stored);
    const answers = new Map<string, number>();
    for (const body of mutatedBodies({
      seed: 20_261_120,
      count: BODIES,
      regions: TEST_REGIONS,
      now: Date.now(),
    })) {
      stored.length = 0;
      const answer = await post(body);
      const outcome =
        "problem" in answer ? answer.problem.type : "type" in answer ? answer.type : "accepted";
      answers.set(outcome, (answers.get(outcome) ?? 0) + 1);
      const kept = stored.flatMap((batch) => eventsOf(batch));
      if ("accepted" in answer) {
        expect(answer.accepted).toBeGreaterThan(0);
        expect(kept).toHaveLength(answer.accepted);
      } else {
        const { type } = "problem" in answer ? answer.problem : answer;
        expect(PROBLEMS[type][0], type).toBeLessThan(500);
        expect(kept).toEqual([]);
      }
    }
    // Every kind of answer was among them, and every format: so every part of the door was tried.
    expect([...answers.keys()].sort()).toEqual(EXPECTED_ANSWERS);
    const text = METRICS.registry.text();
    const formats = text.matchAll(/ingest_events_accepted_total\{format="(.*)"\} [1-9]/g);
    expect([...formats].map(([, format]) => format).sort()).toEqual(EXPECTED_FORMATS);
    expect(answers.get("accepted")).toBeGreaterThan(BODIES / 5);
  });

  it("leave in the outboxes just what was answered for", async () => {
    await reset();
    await publishRegions(env.CONFIG);
    let accepted = 0;
    for (const { headers, body } of mutatedBodies({
      seed: 1,
      count: BODIES_THROUGH_OUTBOX,
      regions: TEST_REGIONS,
      now: Date.now(),
    })) {
      const response = await exports.default.fetch(ADDRESS, {
        method: "POST",
        headers: { ...headers, ...bearer(TEST_KEYS.ingest) },
        body,
      });
      expect(response.status).toBeLessThan(500);
      const answer = await response.json<Partial<EventsAnswer>>();
      accepted += answer.accepted ?? 0;
    }
    expect(await storedEvents()).toHaveLength(accepted);
  });
});
