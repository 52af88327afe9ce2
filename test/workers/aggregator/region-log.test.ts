import { reset, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { RegionLog } from "../../../workers/aggregator/region-log.ts";

beforeEach(() => reset());

const withLog = (test: (open: () => RegionLog) => void) =>
  runInDurableObject(env.REGIONS.getByName("nyc-161"), (_, state) => {
    test(() => new RegionLog(state.storage.sql));
  });

/** Bytes that differ from place to place. */
const bytesOf = (length: number, seed = 1) =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);

describe("a region's log", () => {
  it("gives back the last checkpoint whole, larger than a row or smaller than the one before", () =>
    withLog((open) => {
      for (const size of [4_000_000, 1_500_000, 1_500_001, 10, 0]) {
        const log = open();
        log.load();
        log.checkpoint(bytesOf(size, size));
        const { checkpoint, rows } = open().load();
        expect(checkpoint?.byteLength).toBe(size);
        expect(Buffer.compare(checkpoint ?? bytesOf(1), bytesOf(size, size))).toBe(0);
        expect(rows).toEqual([]);
      }
    }));

  it("gives back the rows since the checkpoint, in order, and none from before", () =>
    withLog((open) => {
      const log = open();
      expect(log.load()).toEqual({ checkpoint: null, rows: [] });
      for (let n = 0; n < 200; n++) log.append(bytesOf(3, n));
      expect(open().load().rows).toEqual(Array.from({ length: 200 }, (_, n) => bytesOf(3, n)));
      log.checkpoint(bytesOf(5));
      for (let n = 0; n < 100; n++) log.append(bytesOf(4, n));
      const again = open();
      expect(again.load().rows).toEqual(Array.from({ length: 100 }, (_, n) => bytesOf(4, n)));
      again.append(bytesOf(2));
      expect(open().load().rows.at(-1)).toEqual(bytesOf(2));
    }));

  it("is due for a checkpoint before its slots or its bytes run out, and in proportion to the state", () =>
    withLog((open) => {
      const log = open();
      log.load();
      expect(log.isDue(1_000_001)).toBe(true);
      expect(log.isDue(999_999)).toBe(false);
      log.checkpoint(bytesOf(3_000_000));
      expect(log.isDue(2_999_999)).toBe(false);
      let appended = 0;
      while (!log.isDue(1)) {
        log.append(bytesOf(1));
        appended++;
      }
      expect(appended).toBe(255);
      expect(open().load().rows).toHaveLength(255);
    }));
});
