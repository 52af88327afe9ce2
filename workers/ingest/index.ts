/** The ingest Worker: where events come in. This file alone touches bindings, the clock and randomness. */
import { eventClockFrom } from "../../contract/clock.ts";
import { corsFrom } from "../../contract/cors.ts";
import { type Faults, faultsFrom } from "../../contract/faults.ts";
import type { LimitLedgerRpc } from "../../contract/limit-ledger.ts";
import { globalLimitFrom } from "../../contract/limit-policy.ts";
import { consoleLog } from "../../contract/log.ts";
import type { OutboxIntakeRpc, OutboxStatusRpc } from "../../contract/rpc.ts";
import { tokenKeysFrom } from "../../contract/token-keys.ts";
import { hexSource, traceIdSource } from "../../contract/trace.ts";
import type { EpochMs } from "../../domain/units.ts";
import { createIngestApp } from "./app.ts";
import { idHashesFrom } from "./id-hashes.ts";
import { LimitLedgerObject } from "./limits/limit-ledger.ts";
import { OutboxObject } from "./outbox.ts";
import { outboxMetricsText } from "./outbox-metrics.ts";
import { appendToOneOf } from "./outbox-shards.ts";
import { RegionDirectory } from "./region-directory.ts";

const wallNow = () => Date.now() as EpochMs;

/** Of an outbox whose regions or whose event log do not take what it has. */
const MAX_STORED_BYTES = 512 * 1024 * 1024;

/** An integer of 32 bits that nobody can guess. */
function randomUint32(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

export class Outbox extends OutboxObject {
  private readonly faults: Faults | null;

  constructor(state: DurableObjectState, env: IngestEnv & LocalBindings) {
    super(state, env, {
      queue: env.EVENTS,
      segments: {
        put: (key, bytes, customMetadata) => env.EVENT_LOG.put(key, bytes, { customMetadata }),
      },
      segmentAfterMs: lengthMsOf("EVENT_LOG_SEGMENT_MS", env.EVENT_LOG_SEGMENT_MS),
      maxStoredBytes: MAX_STORED_BYTES,
      wallNow,
      newEpoch: randomUint32,
    });
    this.faults = faultsFrom(env.FAULTS, Math.random);
  }

  override async append(records: Uint8Array): Promise<"stored" | "full"> {
    if (!this.faults) return super.append(records);
    return this.faults.call(
      (reason) => this.ctx.abort(reason),
      () => super.append(records),
    );
  }

  override async confirm(epoch: number, parcels: number[], slices?: number): Promise<void> {
    if (!this.faults) return super.confirm(epoch, parcels, slices);
    return this.faults.call(
      (reason) => this.ctx.abort(reason),
      () => super.confirm(epoch, parcels, slices),
    );
  }
}

export class LimitLedger extends LimitLedgerObject {
  constructor(state: DurableObjectState, env: IngestEnv) {
    super(state, env, { wallNow });
  }
}

/** Bound by the local stack only, so no wrangler.toml declares them. */
interface LocalBindings {
  VIRTUAL_CLOCK?: string;
  FAULTS?: string;
}

/** A variable that holds a length of time. Throws on anything else: a deployment with half a rule must not start. */
function lengthMsOf(name: string, text: string): number {
  const lengthMs = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(lengthMs) && lengthMs >= 0) return lengthMs;
  throw new TypeError(`${name} is "${text}", not a number of milliseconds`);
}

/** The number of outboxes. Throws on what is none. */
function shardsOf(text: string): number {
  const shards = Number(text);
  if (Number.isSafeInteger(shards) && shards >= 1) return shards;
  throw new TypeError(`OUTBOX_SHARDS is "${text}", not a number of outboxes`);
}

function appFrom(env: IngestEnv & LocalBindings) {
  const log = consoleLog("ingest", wallNow);
  const outboxes = Array.from({ length: shardsOf(env.OUTBOX_SHARDS) }, (_, shard) => {
    return (): OutboxIntakeRpc & OutboxStatusRpc => env.OUTBOX.getByName(`outbox-${shard}`);
  });
  return createIngestApp({
    access: {
      apiKeys: env.API_KEYS,
      jwtIssuers: env.JWT_ISSUERS,
      tokenKeys: tokenKeysFrom(env.TOKEN_JWKS),
      config: env.CONFIG,
      fetch: (uri, init) => fetch(uri, init),
    },
    limits: {
      ledger: {
        of: (object): LimitLedgerRpc => env.LIMITS.getByName(object),
        newHolder: hexSource(8, (bytes) => crypto.getRandomValues(bytes)),
        log,
      },
      globalLimit: globalLimitFrom(env.GLOBAL_REQUESTS_PER_S),
    },
    cors: corsFrom(env.CORS_ALLOWED_ORIGINS),
    directory: new RegionDirectory(env.CONFIG, wallNow, log),
    hashes: idHashesFrom(env.USER_HASH_KEY),
    append: appendToOneOf(outboxes, randomUint32(), log),
    outboxMetrics: () => outboxMetricsText(outboxes, log),
    wallNow,
    eventNow: eventClockFrom(env.VIRTUAL_CLOCK, wallNow),
    clockClampMs: lengthMsOf("CLOCK_CLAMP_MS", env.CLOCK_CLAMP_MS),
    newTraceId: traceIdSource((bytes) => crypto.getRandomValues(bytes)),
    log,
  });
}

let app: ReturnType<typeof appFrom> | undefined;

export default {
  fetch(request, env, context) {
    app ??= appFrom(env);
    return app.fetch(request, env, context);
  },
} satisfies ExportedHandler<IngestEnv>;
