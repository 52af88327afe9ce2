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

/** A change that failed is tried again after this, with a call that comes; one that stands still is begun anew after that. */
const TRY_AFTER_MS = 250;
const GIVE_UP_AFTER_MS = 60_000;
/** A change that does not come to its end is told of this often. */
const TOLD_EVERY_MS = 10_000;

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
  /** Since when the change has been under way, as far as this life of the root knows; wall clock. */
  private changingSince: number;
  /** The attempt under way; null between attempts. */
  private attempt: { begunAt: number } | null = null;
  private triedAt = Number.NEGATIVE_INFINITY;
  private toldAt = Number.NEGATIVE_INFINITY;

  constructor(ports: LayoutPorts) {
    this.ports = ports;
    this.changingSince = ports.wallNow();
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
    if (this.next) return { moved: "changing", forMs: this.changingForMs };
    return this.present.shards === 1 ? null : { moved: this.present };
  }

  /** Takes note of events that came, and of the time; begins a change where one is due. Returns the work that is then to be done. */
  took(events: number): Promise<void> | null {
    const { wanted, wallNow, keys } = this.ports;
    const now = wallNow();
    wanted.took(events, now);
    if (this.attempt) this.watch(this.attempt, now);
    if (this.attempt) return null;
    if (!this.next) {
      const shards = wanted.at(now, this.present.shards, keys());
      if (shards !== this.present.shards) this.intend(shards);
    }
    if (!this.next && this.retiring === 0) return null;
    const sinceMs = now - this.triedAt;
    return sinceMs >= 0 && sinceMs < TRY_AFTER_MS ? null : this.work(now);
  }

  private get changingForMs(): number {
    return Math.max(0, this.ports.wallNow() - this.changingSince);
  }

  /** Gives up on an attempt that someone does not answer: each of its steps can be done again beside it. */
  private watch({ begunAt }: { begunAt: number }, now: number): void {
    if (now - begunAt < GIVE_UP_AFTER_MS) return;
    this.attempt = null;
    this.tell("no answer");
  }

  /** Stores what is intended together with everything that was counted: what is handed over has to be stored here first. */
  private intend(shards: ShardCount): void {
    this.ports.transaction((region, now) => {
      region.persist(now);
      this.store(this.present, shards, this.retiring);
    });
    this.next = shards;
    this.changingSince = this.ports.wallNow();
    this.triedAt = Number.NEGATIVE_INFINITY;
  }

  /** Never rejects: what does not succeed is done again with a later call. */
  private async work(now: number): Promise<void> {
    const attempt = { begunAt: now };
    const isWanted = () => this.attempt === attempt;
    this.attempt = attempt;
    this.triedAt = now;
    try {
      await this.ports.sync();
      if (this.change) await this.perform(this.change, isWanted);
      await this.retire(isWanted);
    } catch (error) {
      this.tell(messageOf(error));
    } finally {
      if (this.attempt === attempt) this.attempt = null;
    }
  }

  /** Tells of a change that does not come to its end: its region counts nothing meanwhile. */
  private tell(error: string): void {
    const { present, next, toldAt, ports } = this;
    const now = ports.wallNow();
    if (now >= toldAt && now - toldAt < TOLD_EVERY_MS) return;
    this.toldAt = now;
    const forMs = next ? this.changingForMs : 0;
    ports.log("error", "a region's layout could not be changed yet", {
      ...present,
      ...{ next, forMs, error },
    });
  }

  private async perform(change: LayoutChange, isWanted: () => boolean): Promise<void> {
    const { from, to } = change;
    const { shard, log, wallNow } = this.ports;
    const startedAt = wallNow();
    if (from.shards > 1) await Promise.all(each(from.shards, (i) => shard(i).freeze(change)));
    if (to.shards > 1) {
      const progress = await Promise.all(each(to.shards, (i) => shard(i).adopt(change)));
      // Given up meanwhile: another attempt brings it to its end, or has done so.
      if (!isWanted()) return;
      this.commit(change, (region, now) => region.leaveTo(progress, now));
    } else {
      const slices = await Promise.all(
        each(SLICES, (slice) => shard(shardOf(slice, from.shards)).handOver(change, slice)),
      );
      if (!isWanted()) return;
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
    // Some of an earlier change may not know yet.
    const retiring = Math.max(this.retiring, from.shards > to.shards ? from.shards : 0);
    this.ports.transaction((region, now) => {
      settle(region, now);
      this.store(to, null, retiring);
    });
    this.present = to;
    this.next = null;
    this.triedAt = Number.NEGATIVE_INFINITY;
    this.retiring = retiring;
  }

  /** Has the shards that count no more forget what they judged by. */
  private async retire(isWanted: () => boolean): Promise<void> {
    const { present, retiring } = this;
    if (retiring === 0 || !isWanted()) return;
    const first = present.shards === 1 ? 0 : present.shards;
    await Promise.all(
      each(retiring - first, (i) => this.ports.shard(first + i).retire(present.version)),
    );
    if (!isWanted()) return;
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
