/**
 * How a region is split, kept by its root; and how that changes.
 *
 * A change is stored as an intent before anything of it happens, and from then on nobody counts. Every step can be repeated, so a root
 * that died in the middle begins the same change again with the next call that reaches it, and the commit, one transaction at the
 * root, comes last. Whatever comes meanwhile stays in the queue. docs/decisions/0008-hot-regions.md.
 */
import { type Log, messageOf } from "../../contract/log.ts";
import type {
  LayoutChange,
  Moved,
  RegionLayout,
  RegionShardRpc,
} from "../../contract/region-layout.ts";
import { type ShardCount, SLICES, shardOf } from "../../domain/slices.ts";
import type { EpochMs } from "../../domain/units.ts";
import type { Sql } from "./counted-sql.ts";
import type { ShardsWanted } from "./shards-wanted.ts";
import type { StoredRegion } from "./stored-region.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS layout (
    id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, shards INTEGER NOT NULL,
    next_shards INTEGER NOT NULL, retiring INTEGER NOT NULL
  );
`;

/** What a change needs of the region's object. */
export interface LayoutPorts {
  sql: Sql;
  /** Runs work that changes the region, all of it or nothing. `now` is the event clock. */
  transaction(work: (region: StoredRegion, now: EpochMs) => void): void;
  /** Resolves when everything written is durable. */
  sync(): Promise<void>;
  shard(index: number): RegionShardRpc;
  /** Keys that the region's objects remember. */
  keys(): number;
  wanted: ShardsWanted;
  wallNow(): number;
  log: Log;
}

export class RegionLayouts {
  private readonly ports: LayoutPorts;
  private present: RegionLayout = { version: 0, shards: 1 };
  /** The number of shards that a change under way leads to. */
  private next: ShardCount | null = null;
  /** How many shards there were before the last change, while those of them that count no more may have to be told. */
  private retiring = 0;
  private isAtWork = false;

  constructor(ports: LayoutPorts) {
    this.ports = ports;
    ports.sql.exec(SCHEMA);
    const [row] = ports.sql.exec<Record<"version" | "shards" | "next_shards" | "retiring", number>>(
      "SELECT version, shards, next_shards, retiring FROM layout",
    );
    if (!row) return;
    this.present = { version: row.version, shards: row.shards as ShardCount };
    this.next = row.next_shards === 0 ? null : (row.next_shards as ShardCount);
    this.retiring = row.retiring;
  }

  get layout(): RegionLayout {
    return this.present;
  }

  /** The change under way. */
  get change(): LayoutChange | null {
    const { present, next } = this;
    return next && { from: present, to: { version: present.version + 1, shards: next } };
  }

  /** What whoever brings parcels is answered; null while the region counts them itself. */
  get moved(): Moved | null {
    if (this.next) return { moved: "changing" };
    return this.present.shards === 1 ? null : { moved: this.present };
  }

  /** Takes note of events that came, and of the time; begins a change where one is due. Returns the work that is then to be done. */
  took(events: number): Promise<void> | null {
    const { wanted, wallNow, keys } = this.ports;
    const now = wallNow();
    wanted.took(events, now);
    if (this.isAtWork) return null;
    if (!this.next) {
      const shards = wanted.at(now, this.present.shards, keys());
      if (shards !== this.present.shards) this.intend(shards);
    }
    return this.next || this.retiring > 0 ? this.work() : null;
  }

  /** Stores what is intended together with everything that was counted: what is handed over has to be stored here first. */
  private intend(shards: ShardCount): void {
    this.ports.transaction((region, now) => {
      region.persist(now);
      this.store(this.present, shards, this.retiring);
    });
    this.next = shards;
  }

  /** Never rejects: what does not succeed is done again with a later call. */
  private async work(): Promise<void> {
    this.isAtWork = true;
    try {
      await this.ports.sync();
      if (this.change) await this.perform(this.change);
      await this.retire();
    } catch (error) {
      this.ports.log("error", "a region's layout could not be changed yet", {
        ...this.present,
        next: this.next,
        error: messageOf(error),
      });
    } finally {
      this.isAtWork = false;
    }
  }

  private async perform(change: LayoutChange): Promise<void> {
    const { from, to } = change;
    const { shard, log, wallNow } = this.ports;
    const startedAt = wallNow();
    if (from.shards > 1) await Promise.all(each(from.shards, (i) => shard(i).freeze(change)));
    if (to.shards > 1) {
      const progress = await Promise.all(each(to.shards, (i) => shard(i).adopt(change)));
      this.commit(change, (region, now) => region.leaveTo(progress, now));
    } else {
      const slices = await Promise.all(
        each(SLICES, (slice) => shard(shardOf(slice, from.shards)).handOver(change, slice)),
      );
      this.commit(change, (region, now) => region.takeBack(slices, now));
    }
    await this.ports.sync();
    log("info", to.shards > from.shards ? "a region was split" : "a region was merged", {
      shards: to.shards,
      before: from.shards,
      version: to.version,
      tookMs: wallNow() - startedAt,
    });
  }

  private commit(
    { from, to }: LayoutChange,
    settle: (region: StoredRegion, now: EpochMs) => void,
  ): void {
    const retiring = from.shards > to.shards ? from.shards : 0;
    this.ports.transaction((region, now) => {
      settle(region, now);
      this.store(to, null, retiring);
    });
    this.present = to;
    this.next = null;
    this.retiring = retiring;
  }

  /** Has the shards that count no more forget what they judged by. */
  private async retire(): Promise<void> {
    const { present, retiring } = this;
    if (retiring === 0) return;
    const first = present.shards === 1 ? 0 : present.shards;
    await Promise.all(
      each(retiring - first, (i) => this.ports.shard(first + i).retire(present.version)),
    );
    this.store(present, this.next, 0);
    this.retiring = 0;
  }

  private store({ version, shards }: RegionLayout, next: ShardCount | null, retiring: number) {
    this.ports.sql.exec(
      `INSERT INTO layout (id, version, shards, next_shards, retiring) VALUES (1, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET version = excluded.version, shards = excluded.shards,
         next_shards = excluded.next_shards, retiring = excluded.retiring`,
      version,
      shards,
      next ?? 0,
      retiring,
    );
  }
}

function each<Result>(count: number, make: (index: number) => Result): Result[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
