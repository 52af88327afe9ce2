import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { EpochMs } from "../../../domain/units.ts";
import { RegionWindowObject } from "../../../workers/aggregator/region-window.ts";
import type { SplitRules } from "../../../workers/aggregator/shards-wanted.ts";
import { RULES, T0 } from "../../support/region-deliveries.ts";

const NEVER_SPLIT: SplitRules = {
  splitAbovePerS: Number.POSITIVE_INFINITY,
  splitAfterMs: 5_000,
  mergeBelowPerS: 0,
  mergeAfterMs: 60_000,
  mostKeys: Number.POSITIVE_INFINITY,
};

/** Clocks that the test holds: `eventNow` moves with `wallNow`. */
export class Clocks {
  wallNow: EpochMs = T0;

  advance(ms: number): void {
    this.wallNow = (this.wallNow + ms) as EpochMs;
  }
}

/** A life of a region over the storage of a real one. */
export interface RegionLife {
  region: RegionWindowObject;
  /** Parcels confirmed, as `outbox/epoch/number`, in order. */
  confirmed: string[];
}

/**
 * Runs a test inside the storage of a region; each `begin` ends the life before, its timers with it, and starts one that knows
 * only what is stored. Timers run when the test advances them.
 */
export function inRegion(
  name: string,
  test: (begin: () => RegionLife, clocks: Clocks, sql: SqlStorage) => Promise<void>,
): Promise<void> {
  return runInDurableObject(env.REGIONS.getByName(name), async (_, state) => {
    const clocks = new Clocks();
    const begin = (): RegionLife => {
      vi.clearAllTimers();
      const confirmed: string[] = [];
      const region = new RegionWindowObject(state, env, {
        wallNow: () => clocks.wallNow,
        eventNow: () => clocks.wallNow,
        rules: RULES,
        split: NEVER_SPLIT,
        shard: () => {
          throw new Error("this region has no shards");
        },
        outbox: (outbox) => ({
          confirm: async (epoch, numbers) => {
            confirmed.push(...numbers.map((number) => `${outbox}/${epoch}/${number}`));
          },
        }),
      });
      return { region, confirmed };
    };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      await test(begin, clocks, state.storage.sql);
    } finally {
      vi.clearAllTimers();
      vi.useRealTimers();
    }
  });
}
