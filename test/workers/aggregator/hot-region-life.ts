/** A region whose shards a test decides on, in real objects, beside an outbox that the test plays. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type MockInstance, vi } from "vitest";
import { EventCursor } from "../../../contract/packed-events.ts";
import { setLowWater } from "../../../contract/parcel.ts";
import { shardName } from "../../../contract/region-layout.ts";
import type { OutboxRpc, ParcelsApplied } from "../../../contract/rpc.ts";
import type { DemandEvent } from "../../../domain/event.ts";
import { ALL_SLICES, type ShardCount } from "../../../domain/slices.ts";
import type { EpochMs, RegionId } from "../../../domain/units.ts";
import { bringParcels } from "../../../workers/aggregator/bring-parcels.ts";
import { RegionLayoutCache } from "../../../workers/aggregator/region-layout-cache.ts";
import { RegionShardObject } from "../../../workers/aggregator/region-shard.ts";
import { RegionWindowObject } from "../../../workers/aggregator/region-window.ts";
import { ShardsWanted } from "../../../workers/aggregator/shards-wanted.ts";
import { parcelOfEvents } from "../../support/parcels.ts";

/** Calls between the objects that can go wrong. */
export const ROOT_CALLS = ["apply", "addReports", "handOver"] as const;
export const SHARD_CALLS = ["apply", "freeze", "handOver", "adopt", "retire"] as const;
export type Call = `root.${(typeof ROOT_CALLS)[number]}` | `shard.${(typeof SHARD_CALLS)[number]}`;
/** The call is not made; its answer is lost; or the object dies before or after it. */
export type Fault = "refused" | "answer lost" | "dies before" | "dies after";

/** What a test sees of an object that it has got hold of. */
interface Insides {
  ctx: DurableObjectState;
  seams: { outbox: (name: string) => OutboxRpc };
}

export class HotRegion {
  readonly regionId: RegionId;
  /** How many shards the region is to have. */
  wanted: ShardCount = 1;
  /** Parcels that came, by number. */
  readonly sent = new Map<number, Uint8Array<ArrayBuffer>>();
  applied: ParcelsApplied[] = [];
  /** For how long the region said that it was changing. */
  changing: number[] = [];
  /** What two isolates of the consumer know. */
  private readonly caches = [new RegionLayoutCache(), new RegionLayoutCache()];
  private readonly spies: MockInstance[] = [];
  /** Confirmed slices by parcel number. */
  private readonly confirmed = new Map<number, number>();
  private readonly outbox: OutboxRpc = {
    confirm: async (_epoch, numbers, slices = ALL_SLICES) => {
      for (const number of numbers) {
        this.confirmed.set(number, (this.confirmed.get(number) ?? 0) | slices);
      }
    },
  };
  private readonly faults: { call: Call; fault: Fault }[] = [];

  constructor(regionId: string) {
    this.regionId = regionId as RegionId;
    this.spies.push(vi.spyOn(ShardsWanted.prototype, "at").mockImplementation(() => this.wanted));
    for (const name of ROOT_CALLS) this.disturb(RegionWindowObject.prototype, name, `root.${name}`);
    for (const name of SHARD_CALLS) {
      this.disturb(RegionShardObject.prototype, name, `shard.${name}`);
    }
  }

  get root() {
    return env.REGIONS.getByName(this.regionId);
  }

  end(): void {
    for (const spy of this.spies) spy.mockRestore();
  }

  /** The next call of this kind goes wrong. */
  failNext(call: Call, fault: Fault): void {
    this.faults.push({ call, fault });
  }

  get faultsLeft(): number {
    return this.faults.length;
  }

  clearFaults(): void {
    this.faults.length = 0;
  }

  /** The outbox makes the next parcel. Returns its number. */
  parcel(events: readonly DemandEvent[], receivedAt: EpochMs): number {
    const number = this.sent.size + 1;
    const { regionId } = this;
    this.sent.set(number, parcelOfEvents(events, { number, receivedAt, regionId }));
    return number;
  }

  get unconfirmed(): number[] {
    return [...this.sent.keys()].filter(
      (number) => (this.confirmed.get(number) ?? 0) !== ALL_SLICES,
    );
  }

  /** The queue brings parcels, through one of two isolates. False when they were not all counted. */
  async deliver(numbers: readonly number[], isolate = 0): Promise<boolean> {
    const lowWater = this.unconfirmed[0] ?? this.sent.size + 1;
    const parcels = numbers.flatMap((number) => {
      const parcel = this.sent.get(number);
      return parcel ? [setLowWater(parcel.slice(), lowWater)] : [];
    });
    const ports = {
      region: (id: RegionId) => env.REGIONS.getByName(id),
      shard: (id: RegionId, shard: number) => env.SHARDS.getByName(shardName(id, shard)),
      layouts: this.caches[isolate % 2] ?? new RegionLayoutCache(),
    };
    try {
      return await bringParcels(this.regionId, parcels, ports, {
        applied: (applied) => void this.applied.push(applied),
        changing: (forMs) => void this.changing.push(forMs),
      });
    } catch {
      return false;
    }
  }

  /** Delivers again what is not confirmed until all is, as the outbox does. */
  async settle(withinMs = 20_000): Promise<void> {
    await vi.waitFor(
      async () => {
        await this.deliver(this.unconfirmed);
        if (this.unconfirmed.length > 0 || (await this.layout()).next !== 0) {
          throw new Error(`unconfirmed: ${this.unconfirmed.join(" ")}`);
        }
      },
      { timeout: withinMs, interval: 250 },
    );
  }

  /** The layout as the root has stored it. */
  layout(): Promise<{ version: number; shards: number; next: number; retiring: number }> {
    return runInDurableObject(this.root, (_, { storage }) => {
      const [row] = storage.sql.exec<Record<"version" | "shards" | "next" | "retiring", number>>(
        "SELECT version, shards, next_shards AS next, retiring FROM layout",
      );
      return row ?? { version: 0, shards: 1, next: 0, retiring: 0 };
    });
  }

  /** Low halves of the keys of the late events that the root has put aside. */
  lateEvents(): Promise<number[]> {
    return runInDurableObject(this.root, (_, { storage }) => {
      const rows = storage.sql.exec<{ bytes: ArrayBuffer }>("SELECT bytes FROM late ORDER BY id");
      return rows
        .toArray()
        .flatMap(({ bytes }) =>
          Array.from(new EventCursor(this.regionId, new Uint8Array(bytes)), ({ keyLow }) => keyLow),
        );
    });
  }

  /** Sees to it that the region has so many shards. */
  async reshape(shards: ShardCount): Promise<void> {
    this.wanted = shards;
    await vi.waitFor(
      async () => {
        // Any call makes the region look at itself.
        await this.root.demand();
        const { shards: present, next } = await this.layout();
        if (present !== shards || next !== 0) throw new Error(`${present} shards, not ${shards}`);
      },
      { timeout: 10_000, interval: 25 },
    );
  }

  /** Ends the life of an object: what it had in memory is gone. */
  async kill(which: "root" | number): Promise<void> {
    const stub =
      which === "root" ? this.root : env.SHARDS.getByName(shardName(this.regionId, which));
    try {
      await runInDurableObject(stub, (_, state) => state.abort("killed by the test"));
    } catch {
      // The call that ends an object's life does not survive it.
    }
  }

  /** Has calls of a method go wrong as `failNext` plans it, and the outbox told of what its object confirms. */
  private disturb(prototype: object, name: string, call: Call): void {
    const methods = prototype as Record<string, (...args: unknown[]) => Promise<unknown>>;
    const original = methods[name] as (...args: unknown[]) => Promise<unknown>;
    const { faults, outbox } = this;
    const spy = vi.spyOn(methods, name).mockImplementation(async function (
      this: unknown,
      ...args: unknown[]
    ) {
      const { ctx, seams } = this as Insides;
      seams.outbox = () => outbox;
      const at = faults.findIndex((planned) => planned.call === call);
      if (at < 0) return original.apply(this, args);
      const [planned] = faults.splice(at, 1);
      if (planned?.fault === "dies before") ctx.abort("killed by the test");
      if (planned?.fault === "refused") throw new Error("refused by the test");
      const answer = await original.apply(this, args);
      if (planned?.fault === "dies after") ctx.abort("killed by the test");
      if (planned?.fault === "answer lost") throw new Error("lost by the test");
      return answer;
    });
    this.spies.push(spy);
  }
}
