/**
 * The pricing Worker in a world of its own: stores in memory, regions that tick when told, a real D1, and everything can
 * be made to fail or to hang. `coldIsolate` starts the Worker again on the same stores.
 */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import type { Role } from "../../../contract/access.ts";
import { type ApiKey, hashOfKey } from "../../../contract/api-keys.ts";
import { corsFrom } from "../../../contract/cors.ts";
import { personHashesFrom } from "../../../contract/person-hashes.ts";
import type { PriceAnswer } from "../../../contract/pricing.ts";
import type { QuoteLedgerRpc } from "../../../contract/quote-ledger.ts";
import type { RegionReplayRpc } from "../../../contract/rpc.ts";
import { signingKeysFrom } from "../../../contract/signing-keys.ts";
import {
  modelCardKey,
  modelKey,
  POINTER,
  regionsKey,
  rulesKey,
} from "../../../contract/store-keys.ts";
import { epochMs, type ModelVersion, type RegionId } from "../../../domain/units.ts";
import { createPricing, type Pricing, type PricingPorts } from "../../../workers/pricing/app.ts";
import { segmentStoreFrom } from "../../../workers/pricing/decisions/segment-store.ts";
import { SHIPPED } from "../../../workers/pricing/documents.ts";
import { eventLogStoreFrom } from "../../../workers/pricing/event-log-store.ts";
import { TEST_USER_HASH_KEY } from "../../support/test-keys.ts";
import { FakeRegion } from "./fake-region.ts";
import { SHIPPED_CARD, SHIPPED_CARD_JSON, shippedOnnx } from "./shipped-model.ts";

export type Mode = "works" | "fails" | "hangs";
export const DEPENDENCIES = [
  "regions",
  "kv",
  "r2",
  "d1",
  "queue",
  "cache",
  "ingest",
  "senders",
  "quotes",
  "issuers",
] as const;
export type DependencyName = (typeof DEPENDENCIES)[number];

/** Keys by name. `slow` is a pricing key of one request a minute beyond its burst; `scoped` is an administrator of SCOPE only. */
export const KEYS = {
  admin: "an-administrators-key",
  pricing: "a-clients-key",
  ingest: "an-sdks-key",
  slow: "a-slow-clients-key",
  scoped: "an-administrators-key-for-nyc-161",
} as const;
export type KeyName = keyof typeof KEYS;

export const SCOPE = "nyc-161" as RegionId;
const ROLE_OF: Record<KeyName, Role> = {
  admin: "admin",
  pricing: "pricing",
  ingest: "ingest",
  slow: "pricing",
  scoped: "admin",
};

const API_KEYS = JSON.stringify(
  (Object.keys(KEYS) as KeyName[]).map(
    (name): ApiKey => ({
      id: `key_${name}`,
      role: ROLE_OF[name],
      sha256: hashOfKey(KEYS[name]),
      ...(name === "slow" ? { requests_per_minute: 1 } : {}),
      ...(name === "scoped" ? { regions: [SCOPE] } : {}),
    }),
  ),
);

export interface LogLine {
  level: string;
  message: string;
  [field: string]: unknown;
}

export class World {
  readonly modes: Map<DependencyName, Mode>;
  readonly kv: Map<string, string>;
  readonly r2: Map<string, Uint8Array<ArrayBuffer>>;
  /** The cache that the isolates of a location share. */
  readonly cache: Map<string, string>;
  readonly queue: string[] = [];
  /** What went back to the queue it had come from, by queue. */
  readonly sentBack: [queue: string, message: MessageSendRequest][] = [];
  /** What outboxes and regions were told to forget. */
  readonly forgotten: (readonly unknown[])[] = [];
  readonly logs: LogLine[] = [];
  /** Identity providers that the next isolate trusts, and what they answer where their keys are. */
  issuers: object[] = [];
  jwks: (uri: string) => Response = () => new Response(null, { status: 404 });
  /** Added to the wall clock. */
  aheadMs = 0;
  private readonly regions: Map<RegionId, FakeRegion>;
  private readonly after: Promise<unknown>[] = [];
  private pricing: Pricing;

  /** @param location another isolate, of whose location and stores this one is too */
  constructor(location?: World) {
    this.modes = location?.modes ?? new Map();
    this.kv = location?.kv ?? new Map();
    this.r2 = location?.r2 ?? new Map();
    this.cache = location?.cache ?? new Map();
    this.regions = location?.regions ?? new Map();
    this.pricing = createPricing(this.ports());
  }

  wallNow = () => epochMs(Date.now() + this.aheadMs);

  region(id = "nyc-161"): FakeRegion {
    const regionId = id as RegionId;
    const region = this.regions.get(regionId) ?? new FakeRegion(regionId, this.wallNow);
    this.regions.set(regionId, region);
    return region;
  }

  /** Publishes what comes with the project, past the admin API. */
  async publishShipped(): Promise<this> {
    const { rules, regions } = SHIPPED;
    this.kv.set(rulesKey(rules.version), JSON.stringify(rules.json));
    this.kv.set(POINTER.rules, rules.version);
    this.kv.set(regionsKey(regions.version), JSON.stringify(regions.document));
    this.kv.set(POINTER.regions, regions.version);
    this.publishModel(await shippedOnnx(), SHIPPED_CARD_JSON, SHIPPED_CARD.version);
    return this;
  }

  /** Puts a model in force, however wrong. */
  publishModel(onnx: Uint8Array, cardJson: string, version: ModelVersion): void {
    this.r2.set(modelKey(version), new Uint8Array(onnx));
    this.r2.set(modelCardKey(version), new Uint8Array(new TextEncoder().encode(cardJson)));
    this.kv.set(POINTER.model, version);
  }

  set(mode: Mode, ...names: DependencyName[]): this {
    for (const name of names) this.modes.set(name, mode);
    return this;
  }

  /** A new isolate: everything in memory is gone, the stores are not. */
  coldIsolate(): this {
    this.pricing = createPricing(this.ports());
    return this;
  }

  /** Asks until the Worker is ready. */
  async warmUp(): Promise<this> {
    const response = await this.fetch("/readyz", { key: null });
    if (response.status !== 200) throw new Error(`not ready: ${await response.text()}`);
    await this.settle();
    return this;
  }

  /** Done when everything that goes on after answers is. */
  async settle(): Promise<void> {
    while (this.after.length > 0) await Promise.all(this.after.splice(0));
  }

  async fetch(
    path: string,
    { key = "pricing", ...init }: RequestInit & { key?: KeyName | null } = {},
  ): Promise<Response> {
    const headers = new Headers(init.headers);
    if (key !== null) headers.set("authorization", `Bearer ${KEYS[key]}`);
    const request = new Request(`https://pricing.test${path}`, { ...init, headers });
    const context = {
      waitUntil: (promise: Promise<unknown>) => void this.after.push(promise),
    } as unknown as ExecutionContext;
    return this.pricing.fetch(request, context);
  }

  send(method: "POST" | "PUT", path: string, body: unknown, key: KeyName = "pricing") {
    return this.fetch(path, {
      method,
      key,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  /** The answer for one product; anything but an answer fails the test. */
  async price(
    {
      regionId = "nyc-161",
      product = "standard_ride",
      user,
    }: { regionId?: string; product?: string; user?: string } = {},
    headers: Record<string, string> = {},
  ): Promise<PriceAnswer> {
    const response = await this.fetch("/api/v1/pricing/compute", {
      method: "POST",
      key: "admin",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ region_id: regionId, product_type: product, user_id: user }),
    });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return response.json();
  }

  /** A metric's value, or undefined when there is no such series. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await this.fetch("/metrics", { key: "admin" })).text();
    const line = text.split("\n").find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length));
  }

  private ports(): PricingPorts {
    const on = <Value>(name: DependencyName, work: () => Value | Promise<Value>) =>
      this.on(name, work);
    const eventLog = eventLogStoreFrom(env.EVENT_LOG);
    const segments = segmentStoreFrom(env.EVENT_LOG);
    return {
      regionWindows: (regionId) => ({
        demand: () => on("regions", () => this.region(regionId).demand()),
        snapshot: (known, _timeZone, told) =>
          on("regions", () => this.region(regionId).snapshot(known, told)),
        snapshotAt: (tick) => on("regions", () => this.region(regionId).snapshotAt(tick)),
        recordDecided: (tick, forecast, told, announced) =>
          on("regions", () => this.region(regionId).recordDecided(tick, forecast, told, announced)),
        seedHistory: (seed) => on("regions", () => this.region(regionId).seedHistory(seed)),
      }),
      regionReplays: (regionId) => {
        // The real one: what it answers is the aggregator's to say.
        const region = env.REGIONS.getByName(regionId) as unknown as RegionReplayRpc;
        return {
          replay: (parcels) => on("regions", () => region.replay(parcels)),
          replayed: () => on("regions", () => region.replayed()),
        };
      },
      config: {
        get: (key) => on("kv", () => this.kv.get(key) ?? null),
        put: (key, value) => on("kv", () => void this.kv.set(key, value)),
      },
      locationCache: {
        get: (key) => on("cache", () => this.cache.get(key) ?? null),
        put: (key, value) => on("cache", () => void this.cache.set(key, value)),
      },
      modelStore: {
        get: (key) => on("r2", () => this.r2.get(key) ?? null),
        put: (key, bytes) => on("r2", () => void this.r2.set(key, new Uint8Array(bytes))),
      },
      database: drizzle(this.database()),
      decisionSegments: {
        put: (...what) => on("r2", () => segments.put(...what)),
        read: (key) => on("r2", () => segments.read(key)),
        readRecord: (...what) => on("r2", () => segments.readRecord(...what)),
        forget: (keys) => on("r2", () => segments.forget(keys)),
      },
      decisionQueue: {
        send: (messages) => on("queue", () => void this.queue.push(...messages)),
      },
      eventLog: {
        writers: () => on("r2", () => eventLog.writers()),
        segmentsAfter: (...what) => on("r2", () => eventLog.segmentsAfter(...what)),
        read: (...what) => on("r2", () => eventLog.read(...what)),
        forgetBefore: (at) => on("r2", () => eventLog.forgetBefore(at)),
      },
      sourceQueues: {
        events: this.sourceQueue("events"),
        "late-events": this.sourceQueue("late-events"),
        decisions: this.sourceQueue("decisions"),
      },
      senders: {
        outbox: (name) => ({
          confirm: (...what) => on("senders", () => void this.forgotten.push([name, ...what])),
        }),
        region: (regionId) => ({
          confirmLate: (rows) => on("senders", () => void this.forgotten.push([regionId, rows])),
        }),
      },
      ingest: { fetch: () => on("ingest", () => Response.json({ accepted: 1 }, { status: 202 })) },
      access: {
        apiKeys: API_KEYS,
        jwtIssuers: JSON.stringify(this.issuers),
        fetch: (uri) => this.on("issuers", () => this.jwks(uri)),
      },
      limits: { ledger: null, globalLimit: null },
      cors: corsFrom("*"),
      quoteLedgers: (name) => ({
        redeem: (redemption) =>
          on("quotes", () =>
            (env.QUOTES.getByName(name) as unknown as QuoteLedgerRpc).redeem(redemption),
          ),
      }),
      personHashes: personHashesFrom(TEST_USER_HASH_KEY),
      signingKeys: () => signingKeysFrom(env.SIGNING_KEYS),
      wallNow: this.wallNow,
      fillRandom: (bytes) => crypto.getRandomValues(bytes),
      log: (level, message, fields) => void this.logs.push({ level, message, ...fields }),
    };
  }

  private sourceQueue(name: string) {
    return {
      sendBatch: (messages: Iterable<MessageSendRequest>) =>
        this.on("queue", () => {
          for (const message of messages) this.sentBack.push([name, message]);
        }),
    };
  }

  private async on<Value>(
    name: DependencyName,
    work: () => Value | Promise<Value>,
  ): Promise<Value> {
    switch (this.modes.get(name) ?? "works") {
      case "works":
        return work();
      case "fails":
        throw new Error(`${name} is down`);
      case "hangs":
        return new Promise<Value>(() => undefined);
    }
  }

  /** The test's D1, asked through the mode. */
  private database(): D1Database {
    const bare = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
    const guarded = (statement: D1PreparedStatement): D1PreparedStatement => {
      const proxy = new Proxy(statement, {
        get: (target, name) => {
          if (name === "bind") {
            return (...values: unknown[]) => guarded(target.bind(...values));
          }
          const value = Reflect.get(target, name);
          return typeof value === "function"
            ? (...values: unknown[]) => this.on("d1", () => value.apply(target, values))
            : value;
        },
      });
      bare.set(proxy, statement);
      return proxy;
    };
    return new Proxy(env.DB, {
      get: (target, name) => {
        if (name === "prepare") return (sql: string) => guarded(target.prepare(sql));
        if (name !== "batch") return Reflect.get(target, name);
        return (statements: D1PreparedStatement[]) =>
          this.on("d1", () => target.batch(statements.map((one) => bare.get(one) ?? one)));
      },
    });
  }
}
