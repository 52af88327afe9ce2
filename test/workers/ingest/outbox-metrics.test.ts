import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { OutboxStatus, OutboxStatusRpc } from "../../../contract/rpc.ts";
import { outboxMetricsText } from "../../../workers/ingest/outbox-metrics.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";

const STATUS: OutboxStatus = {
  outbox: "outbox-0",
  epoch: 7,
  depth: { batches: 3, bytes: 900, oldestAgeMs: 1_500 },
  dispatches: 2,
  held: [{ regionId: "nyc-161", parcels: 4, bytes: 400 }],
  logLag: { batches: 1, bytes: 300, oldestAgeMs: 500 },
  segmentsWritten: 5,
  segmentFailures: 1,
  rowsWritten: 60,
  calls: 90,
  queueUnits: 120,
};
const answering = (outbox: string) => (): OutboxStatusRpc => ({
  status: async () => ({ ...STATUS, outbox }),
});
const log = () => undefined;

describe("the metrics of the outboxes", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("tell of each how it stands", async () => {
    const text = await outboxMetricsText([answering("outbox-0"), answering("outbox-1")], log);
    for (const line of [
      'outbox_depth_bytes{outbox="outbox-0"} 900',
      'outbox_oldest_age_seconds{outbox="outbox-1"} 1.5',
      'outbox_held_parcels{outbox="outbox-0",region_id="nyc-161"} 4',
      'outbox_log_lag_seconds{outbox="outbox-0"} 0.5',
      'outbox_segments_total{outbox="outbox-1"} 5',
      'outbox_rows_written_total{outbox="outbox-0"} 60',
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("leave out those that fail or are silent, and wait a second at most", async () => {
    const failing = (): OutboxStatusRpc => ({
      status: () => Promise.reject(new Error("it is broken")),
    });
    const silent = (): OutboxStatusRpc => ({ status: () => new Promise(() => undefined) });
    const asking = outboxMetricsText([failing, silent, answering("outbox-2")], log);
    await vi.advanceTimersByTimeAsync(1_000);
    const text = await asking;
    expect(text).toContain('{outbox="outbox-2"}');
    expect(text.match(/^outbox_dispatches\{.*$/gm)).toHaveLength(1);
  });
});

it("GET /metrics tells of every outbox there is", async () => {
  const response = await exports.default.fetch("https://example.test/metrics", {
    headers: bearer(TEST_KEYS.ingest),
  });
  const text = await response.text();
  expect(text).toContain('outbox_depth_bytes{outbox="outbox-0"} 0');
  expect(text).toContain('outbox_depth_bytes{outbox="outbox-1"} 0');
});
