import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { type DemandSignal, demandSignalsSchema } from "../../../contract/demand-signals.ts";
import { type LateEvents, lateEventsOf } from "../../../contract/late-events.ts";
import { LOG_RECORD_KIND, logRecordsOf } from "../../../contract/log-records.ts";
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
  /** Signals told, in order. */
  told: DemandSignal[];
  /** Late events sent, message by message. */
  late: LateEvents[];
}

/** What stands around the lives of a region. */
export interface RegionWorld {
  clocks: Clocks;
  sql: SqlStorage;
  /** What the outbox answers to signals. */
  outboxAnswer: "stored" | "full" | "lost";
  lateQueueWorks: boolean;
  /** Wall clock the alarm is set to; null when it is not. */
  alarmAt: number | null;
}

/**
 * Runs a test inside the storage of a region; each `begin` ends the life before, its timers with it, and starts one that knows
 * only what is stored. Timers run when the test advances them.
 */
export function inRegion(
  name: string,
  test: (
    begin: () => RegionLife,
    clocks: Clocks,
    sql: SqlStorage,
    world: RegionWorld,
  ) => Promise<void>,
): Promise<void> {
  return runInDurableObject(env.REGIONS.getByName(name), async (_, state) => {
    const clocks = new Clocks();
    const { sql } = state.storage;
    const world: RegionWorld = {
      ...{ clocks, sql, outboxAnswer: "stored", lateQueueWorks: true, alarmAt: null },
    };
    const begin = (): RegionLife => {
      vi.clearAllTimers();
      const confirmed: string[] = [];
      const told: DemandSignal[] = [];
      const late: LateEvents[] = [];
      const region = new RegionWindowObject(state, env, {
        wallNow: () => clocks.wallNow,
        eventNow: () => clocks.wallNow,
        clockSpeed: 1,
        rules: RULES,
        alarm: {
          get: async () => world.alarmAt,
          set: async (at) => {
            world.alarmAt = at;
          },
        },
        signalsOutbox: () => ({
          append: async (records) => {
            if (world.outboxAnswer === "full") return "full";
            told.push(...signalsIn(records));
            if (world.outboxAnswer === "lost") throw new Error("the answer was lost");
            return "stored";
          },
        }),
        lateQueue: {
          sendBatch: async (messages) => {
            if (!world.lateQueueWorks) throw new Error("the queue does not answer");
            for (const { body } of messages) {
              const events = lateEventsOf(body);
              if (!events) throw new Error("no late events");
              late.push(events);
            }
          },
        },
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
      return { region, confirmed, told, late };
    };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      await test(begin, clocks, sql, world);
    } finally {
      vi.clearAllTimers();
      vi.useRealTimers();
    }
  });
}

/** The signals that a record for the outbox holds. */
function signalsIn(records: Uint8Array): DemandSignal[] {
  return [...logRecordsOf(records)].flatMap(({ kind, payload }) => {
    if (kind !== LOG_RECORD_KIND.demandSignals) throw new Error(`a record of kind ${kind}`);
    return demandSignalsSchema.parse(JSON.parse(new TextDecoder().decode(payload)));
  });
}
