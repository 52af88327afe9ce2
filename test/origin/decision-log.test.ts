import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LoggedDecision } from "../../contract/decision-log.ts";
import { createMetrics } from "../../contract/metrics.ts";
import { DAY_MS, type EpochMs, HOUR_MS, plus } from "../../domain/units.ts";
import { createDecisionSink } from "../../origin/decisions/decision-sink.ts";
import { createDecisionView } from "../../origin/decisions/decision-views.ts";
import { keepDecisions } from "../../origin/decisions/keep-decisions.ts";
import { compactBronze } from "../../origin/event-log/compact-bronze.ts";
import type { LogReading } from "../../origin/event-log/read-log.ts";
import { readRound } from "../../origin/event-log/read-round.ts";
import { type OfflineStore, openOfflineStore } from "../../origin/offline/offline-store.ts";
import { LOG_NOON, LogInMemory } from "../support/event-log-samples.ts";
import { decisionSegment, loggedDecision } from "../support/logged-decisions.ts";
import { until } from "../support/processes.ts";

const WRITER = "decisions";
const { signal } = new AbortController();

let folder: string;
let store: OfflineStore;
let log: LogInMemory;
let said: string[];
let taken: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "decisions-"));
  store = await openOfflineStore(folder);
  log = new LogInMemory();
  said = [];
  taken = 0;
});
afterEach(async () => {
  store.close();
  await rm(folder, { recursive: true, force: true });
});

/** A reading with a sink of its own, as a process that starts has it. */
function reading(maxSegments = 100): LogReading {
  const wallNow = () => LOG_NOON;
  return {
    ...{ reader: "decisions", client: log, database: store.database, wallNow },
    sink: createDecisionSink(store, wallNow, (count) => {
      taken += count;
    }),
    bounds: { maxBytes: 1_000_000, maxSegments },
    onGap: ({ first, last }) => said.push(`gap ${first}-${last}`),
    onLoss: ({ first, last, reason }) => said.push(`${reason} ${first}-${last}`),
  };
}

async function rowsOf(query: string): Promise<Record<string, unknown>[]> {
  await createDecisionView(store);
  return (await store.duckdb.runAndReadAll(query)).getRowObjectsJson();
}
const ids = async () =>
  (await rowsOf("SELECT id FROM decisions ORDER BY id")).map(({ id }) => String(id));
const parquetFiles = async () =>
  (await readdir(join(folder, "offline"), { recursive: true })).filter((name) =>
    name.endsWith(".parquet"),
  );

describe("the decision log in the offline store", () => {
  test("has a decision with its record as it was, in a partition of the day it was made", async () => {
    const late = loggedDecision({ id: "b", decidedAt: plus(LOG_NOON, 12 * HOUR_MS) });
    const early = loggedDecision({ id: "a", decidedAt: LOG_NOON });
    log.add(WRITER, decisionSegment(early, late));
    await readRound(reading(), signal);
    expect(
      await rowsOf(
        "SELECT id, date::VARCHAR AS date, decided_at, price_minor FROM decisions ORDER BY id",
      ),
    ).toEqual([
      { id: "a", date: "2026-01-11", decided_at: "2026-01-11 12:00:00", price_minor: "1500" },
      { id: "b", date: "2026-01-12", decided_at: "2026-01-12 00:00:00", price_minor: "1500" },
    ]);
    const [row] = await rowsOf("SELECT record FROM decisions WHERE id = 'a'");
    expect(JSON.parse(String(row?.record))).toEqual(early);
    expect(await parquetFiles()).toHaveLength(2);
    expect(taken).toBe(2);
  });

  test("has each decision once, as it was made first, within a range and across ranges", async () => {
    const at = (n: number): LoggedDecision =>
      loggedDecision({ id: "same", decidedAt: plus(LOG_NOON, n) });
    log.add(WRITER, decisionSegment(at(2), at(2)), decisionSegment(at(1)));
    await readRound(reading(1), signal);
    await readRound(reading(1), signal);
    expect(
      await rowsOf(
        "SELECT epoch_ms(decided_at) - $noon AS ms FROM decisions".replace(
          "$noon",
          String(LOG_NOON),
        ),
      ),
    ).toEqual([{ ms: "1" }]);
    const [done] = await compactBronze(store, LOG_NOON, () => plus(LOG_NOON, 2 * DAY_MS), signal);
    expect(done).toMatchObject({ entity: "decisions", files: 2, rows: 1 });
    expect(await ids()).toEqual(["same"]);
  });

  test("has a day compacted when the wall clock is past it, whatever the event clock says", async () => {
    log.add(WRITER, decisionSegment(loggedDecision({ id: "a", decidedAt: LOG_NOON })));
    log.add(WRITER, decisionSegment(loggedDecision({ id: "b", decidedAt: LOG_NOON })));
    await readRound(reading(1), signal);
    await readRound(reading(1), signal);
    const longAgo = plus(LOG_NOON, -4_000 * DAY_MS);
    expect(await compactBronze(store, longAgo, () => LOG_NOON, signal)).toEqual([]);
    const tomorrow = () => plus(LOG_NOON, DAY_MS);
    expect(await compactBronze(store, longAgo, tomorrow, signal)).toHaveLength(1);
    expect(await ids()).toEqual(["a", "b"]);
  });

  test("sets aside bytes that are no segment, says so, and goes on", async () => {
    log.add(WRITER, new TextEncoder().encode('{"id":"no decision"}\n'));
    log.add(WRITER, decisionSegment(loggedDecision({ id: "a" })));
    await readRound(reading(), signal);
    expect(said).toEqual(["unreadable 1-1"]);
    expect(await ids()).toEqual(["a"]);
    expect(await readdir(join(folder, "offline/bronze/unreadable"))).toEqual([
      "decisions-1.segment",
    ]);
  });

  test("misses nothing, whatever repeats, crashes and outages there are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }), { maxLength: 8 }),
        fc.array(fc.constantFrom("round", "crash", "down"), { maxLength: 12 }),
        async (segments, steps) => {
          const own = await mkdtemp(join(folder, "run-"));
          const [outer, memory] = [store, log];
          store = await openOfflineStore(own);
          log = new LogInMemory();
          try {
            for (const some of segments) {
              const decisions = some.map((n) => loggedDecision({ id: `d-${n}` }));
              log.add(WRITER, decisionSegment(...decisions));
            }
            for (const step of steps) {
              if (step === "down") log.faults.push({ reason: "unreachable", detail: "down" });
              const one = reading(2);
              if (step !== "crash") {
                await readRound(one, signal);
                continue;
              }
              const crashing = { ...one.sink, finish: () => Promise.reject(new Error("crash")) };
              await readRound({ ...one, sink: crashing }, signal).catch(() => undefined);
            }
            log.faults.length = 0;
            for (let n = 0; n <= segments.length; n++) await readRound(reading(2), signal);
            const expected = new Set(segments.flat().map((n) => `d-${n}`));
            expect(await ids()).toEqual([...expected].sort());
          } finally {
            store.close();
            [store, log] = [outer, memory];
          }
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe("keepDecisions()", () => {
  test("takes in what is there, counts it, and tells how far behind it is", async () => {
    log.add(WRITER, decisionSegment(loggedDecision({ id: "a" }), loggedDecision({ id: "b" })));
    const metrics = createMetrics();
    const has = (line: string) => metrics.text().split("\n").includes(line);
    const stop = new AbortController();
    const ports = {
      ...{ client: log, store, metrics },
      log: pino({}, { write: () => undefined }),
      wallNow: () => LOG_NOON as EpochMs,
    };
    const running = keepDecisions(ports, stop.signal);
    await until("it is taken in", 15_000, () => has("origin_decisions_total 2"));
    stop.abort();
    await running;
    expect(has('origin_event_log_lag_segments{reader="decisions"} 0')).toBe(true);
    expect(has('origin_event_log_lag_seconds{reader="decisions"} 0')).toBe(true);
  });
});
