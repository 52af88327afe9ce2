import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RegionId } from "../../domain/units.ts";
import type { EventLogClient } from "../../origin/edge/event-log-client.ts";
import type { LogReading } from "../../origin/event-log/read-log.ts";
import { readRound } from "../../origin/event-log/read-round.ts";
import { BronzeImport } from "../support/bronze-import.ts";
import { eventRecord, LogInMemory, sampleEvent, segmentOf } from "../support/event-log-samples.ts";

const WRITER = "outbox-0-7";
const nyc230 = "nyc-230" as RegionId;
const { signal } = new AbortController();

let bronze: BronzeImport;
beforeEach(async () => {
  bronze = await BronzeImport.open();
});
afterEach(() => bronze.close());

describe("an import that crashes", () => {
  /** A place in the work at which everything stops. */
  const crashes = ["begin", "take", "write", "commit", "committed"] as const;
  type Crash = (typeof crashes)[number];
  class Crashed extends Error {}

  /** A reading that stops at one place; what it had done by then stays done. */
  function crashingReading(crash: Crash, bounds: LogReading["bounds"]): LogReading {
    const whole = bronze.reading(bounds);
    const stop = (): never => {
      throw new Crashed();
    };
    const { sink } = whole;
    return {
      ...whole,
      sink: {
        ...sink,
        begin: (...range) => (crash === "begin" ? stop() : sink.begin(...range)),
        take: (...segment) => (crash === "take" ? stop() : sink.take(...segment)),
        async finish() {
          if (crash === "write") stop();
          const statements = await sink.finish();
          return crash === "commit" ? stop() : statements;
        },
        committed: () => (crash === "committed" ? stop() : sink.committed()),
      },
    };
  }

  const steps = fc.array(
    fc.record({
      added: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
      crash: fc.option(fc.constantFrom(...crashes)),
      maxSegments: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 6 },
  );

  test("anywhere, any number of times, leaves every event in bronze once and no file beside", async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const writer = `outbox-0-${++runs}`;
        bronze.log = new LogInMemory();
        let keyLow = 0;
        for (const { added, crash, maxSegments } of plan) {
          for (const count of added) {
            const events = Array.from({ length: count }, () => sampleEvent({ keyLow: ++keyLow }));
            bronze.log.add(writer, segmentOf(eventRecord(events)));
          }
          const bounds = { maxBytes: 1_000_000, maxSegments };
          const round = readRound(
            crash === null ? bronze.reading(bounds) : crashingReading(crash, bounds),
            signal,
          );
          await round.catch((error: unknown) => {
            if (!(error instanceof Crashed)) throw error;
          });
        }
        for (;;) {
          const { segments } = await readRound(bronze.reading(), signal);
          if (segments === 0) break;
        }
        const mine = `FROM bronze_events WHERE writer = '${writer}'`;
        const rows = await bronze.rowsOf(
          `SELECT count(*)::INTEGER AS n, count(DISTINCT key)::INTEGER AS keys ${mine}`,
        );
        expect(rows).toEqual([{ n: keyLow, keys: keyLow }]);
        // Whoever reads the folder itself sees the same.
        const listed = (await bronze.parquetFiles()).filter((name) => name.includes(`/${writer}-`));
        if (listed.length === 0) return;
        const paths = listed.map((name) => `'${join(bronze.folder, "offline", name)}'`);
        const seen = await bronze.rowsOf(
          `SELECT count(*)::INTEGER AS n FROM read_parquet([${paths}])`,
        );
        expect(seen).toEqual([{ n: keyLow }]);
      }),
      { numRuns: 25 },
    );
  });

  test("an edge that fails in the midst changes nothing", async () => {
    bronze.log.add(
      WRITER,
      ...[1, 2, 3].map((keyLow) => segmentOf(eventRecord([sampleEvent({ keyLow })]))),
    );
    bronze.log.faults.push({ reason: "unreachable", detail: "gone" });
    const failed = await readRound(bronze.reading(), signal);
    expect(failed).toMatchObject({ segments: 0, faults: [{ detail: "gone" }] });
    await readRound(bronze.reading(), signal);
    expect(bronze.counts.events).toBe(3);
  });

  test("leaves no rows behind that come out with those of the next range", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage: () => void = runInNewContext("gc");
    const many = Array.from({ length: 3_000 }, (_, keyLow) => sampleEvent({ keyLow }));
    bronze.log.add("outbox-0-1", segmentOf(eventRecord(many)), segmentOf(eventRecord([])));
    bronze.log.add("outbox-1-2", segmentOf(eventRecord([sampleEvent({ regionId: nyc230 })])));
    const whole = bronze.reading();
    const client: EventLogClient = {
      readWriters: () => bronze.log.readWriters(),
      listSegments: (...asked) => bronze.log.listSegments(...asked),
      async readSegment(writer, sequence) {
        if (sequence === 2) return { reason: "unreachable", detail: "gone" };
        for (let n = 0; n < 10; n++) {
          collectGarbage();
          await sleep(5);
        }
        return bronze.log.readSegment(writer, sequence);
      },
    };
    await readRound({ ...whole, client }, signal);
    const rows = await bronze.rowsOf("SELECT region_id, writer, sequence FROM bronze_events");
    expect(rows).toEqual([{ region_id: nyc230, writer: "outbox-1-2", sequence: "1" }]);
    await readRound(whole, signal);
    expect(await bronze.rowsOf("SELECT count(*)::INTEGER AS n FROM bronze_events")).toEqual([
      { n: 3_001 },
    ]);
  });
});
