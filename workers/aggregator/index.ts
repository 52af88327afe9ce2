/**
 * The aggregator Worker: from the queue into the windows. This file alone touches bindings, the clock and randomness.
 */
import { clockSpeedOf, eventClockFrom } from "../../contract/clock.ts";
import { type Faults, faultsFrom } from "../../contract/faults.ts";
import { consoleLog } from "../../contract/log.ts";
import { type Moved, shardName } from "../../contract/region-layout.ts";
import type { OutboxIntakeRpc, OutboxRpc, ParcelsApplied } from "../../contract/rpc.ts";
import { tokenKeysFrom } from "../../contract/token-keys.ts";
import { traceIdSource } from "../../contract/trace.ts";
import { type EpochMs, SECOND_MS } from "../../domain/units.ts";
import type { LatenessRules } from "../../domain/watermark.ts";
import { aggregatorMetrics } from "./aggregator-metrics.ts";
import { createAggregatorApp } from "./app.ts";
import { type ConsumerPorts, consumeParcels } from "./consume-parcels.ts";
import { featureMirrorFrom, type MirrorEnv } from "./feature-mirror-from.ts";
import { latenessRulesFrom } from "./lateness-rules.ts";
import { mirrorMetrics } from "./mirror-metrics.ts";
import { RegionLayoutCache } from "./region-layout-cache.ts";
import { RegionShardObject } from "./region-shard.ts";
import { RegionWindowObject } from "./region-window.ts";
import type { SplitRules } from "./shards-wanted.ts";

/** Bound by the local stack only, so no wrangler.toml declares them. */
type Env = AggregatorEnv & { VIRTUAL_CLOCK?: string; FAULTS?: string } & MirrorEnv;

const wallNow = () => Date.now() as EpochMs;
const metrics = aggregatorMetrics();
const layouts = new RegionLayoutCache((regionId) => {
  metrics.splitRegion(regionId, () => layouts.of(regionId).shards);
});
const mirrored = mirrorMetrics(metrics.registry);
const log = consoleLog("aggregator", wallNow);
/** Keys that one object remembers before its region is split: 17 to 34 bytes each, of the 128 MB it has. */
const MOST_KEYS = 2_000_000;

function latenessRules(env: Env): LatenessRules {
  return latenessRulesFrom(env, clockSpeedOf(env.VIRTUAL_CLOCK));
}

function splitRules(env: Env): SplitRules {
  return {
    splitAbovePerS: Number(env.SPLIT_ABOVE_EVENTS_PER_S),
    splitAfterMs: Number(env.SPLIT_AFTER_S) * SECOND_MS,
    mergeBelowPerS: Number(env.MERGE_BELOW_EVENTS_PER_S),
    mergeAfterMs: Number(env.MERGE_AFTER_S) * SECOND_MS,
    mostKeys: MOST_KEYS,
  };
}

export class RegionWindow extends RegionWindowObject {
  private readonly faults: Faults | null;

  constructor(state: DurableObjectState, env: Env) {
    const eventNow = eventClockFrom(env.VIRTUAL_CLOCK, wallNow);
    // The outbox is another Worker's object: its methods are known by contract, not by type.
    const outbox = (name: string) => env.OUTBOX.getByName(name) as unknown as OutboxRpc;
    const mirror = featureMirrorFrom(env, { wallNow, log, metrics: mirrored });
    super(state, env, {
      wallNow,
      eventNow,
      clockSpeed: clockSpeedOf(env.VIRTUAL_CLOCK),
      rules: latenessRules(env),
      outbox,
      signalsOutbox: (name) => env.OUTBOX.getByName(name) as unknown as OutboxIntakeRpc,
      lateQueue: env.LATE_EVENTS,
      mirror,
      split: splitRules(env),
      shard: (regionId, shard) => env.SHARDS.getByName(shardName(regionId, shard)),
    });
    this.faults = faultsFrom(env.FAULTS, Math.random);
  }

  override async apply(parcels: Uint8Array[]): Promise<ParcelsApplied | Moved> {
    if (!this.faults) return super.apply(parcels);
    return this.faults.call(
      (reason) => this.ctx.abort(reason),
      () => super.apply(parcels),
    );
  }
}

export class RegionShard extends RegionShardObject {
  private readonly faults: Faults | null;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env, {
      wallNow,
      eventNow: eventClockFrom(env.VIRTUAL_CLOCK, wallNow),
      rules: latenessRules(env),
      outbox: (name) => env.OUTBOX.getByName(name) as unknown as OutboxRpc,
      root: (regionId) => env.REGIONS.getByName(regionId),
      shard: (regionId, shard) => env.SHARDS.getByName(shardName(regionId, shard)),
    });
    this.faults = faultsFrom(env.FAULTS, Math.random);
  }

  override async apply(version: number, parts: Uint8Array[]): Promise<ParcelsApplied | null> {
    if (!this.faults) return super.apply(version, parts);
    return this.faults.call(
      (reason) => this.ctx.abort(reason),
      () => super.apply(version, parts),
    );
  }
}

function appFrom(env: Env) {
  return createAggregatorApp({
    access: {
      apiKeys: env.API_KEYS,
      jwtIssuers: env.JWT_ISSUERS,
      tokenKeys: tokenKeysFrom(env.TOKEN_JWKS),
      config: env.CONFIG,
      fetch: (uri, init) => fetch(uri, init),
    },
    log,
    metrics,
    wallNow,
    newTraceId: traceIdSource((bytes) => crypto.getRandomValues(bytes)),
  });
}

function consumerPorts(env: Env): ConsumerPorts {
  return {
    region: (regionId) => env.REGIONS.getByName(regionId),
    shard: (regionId, shard) => env.SHARDS.getByName(shardName(regionId, shard)),
    layouts,
    setAside: (message) => env.DEAD_LETTERS.send(message, { contentType: "v8" }),
    wallNow,
    metrics,
    log,
  };
}

let app: ReturnType<typeof appFrom> | undefined;

export default {
  fetch(request, env, context) {
    app ??= appFrom(env);
    return app.fetch(request, env, context);
  },
  queue({ messages }, env) {
    const now = wallNow();
    for (const { timestamp } of messages) {
      metrics.queueLag.observe(Math.max(0, now - timestamp.getTime()) / SECOND_MS);
    }
    const consume = () => consumeParcels(messages, consumerPorts(env));
    const faults = faultsFrom(env.FAULTS, Math.random);
    return faults ? faults.consume(consume) : consume();
  },
} satisfies ExportedHandler<Env>;
