/** An import of an event log into bronze, in a folder of its own, with everything it tells written down. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BronzeCounts, createBronzeSink } from "../../origin/event-log/bronze-sink.ts";
import { createLogViews } from "../../origin/event-log/log-views.ts";
import type { LogReading } from "../../origin/event-log/read-log.ts";
import { type OfflineStore, openOfflineStore } from "../../origin/offline/offline-store.ts";
import { LOG_NOON, LogInMemory } from "./event-log-samples.ts";

export class BronzeImport {
  readonly folder: string;
  readonly store: OfflineStore;
  log = new LogInMemory();
  wallAt = LOG_NOON;
  readonly counts: BronzeCounts = { events: 0, signals: 0 };
  /** Gaps and losses. */
  readonly said: string[] = [];

  private constructor(folder: string, store: OfflineStore) {
    this.folder = folder;
    this.store = store;
  }

  static async open(): Promise<BronzeImport> {
    const folder = await mkdtemp(join(tmpdir(), "event-log-"));
    return new BronzeImport(folder, await openOfflineStore(folder));
  }

  /** A reading with a sink of its own, as a process that starts has it. */
  reading(bounds = { maxBytes: 1_000_000, maxSegments: 100 }): LogReading {
    const { store, counts, said } = this;
    const wallNow = () => this.wallAt;
    return {
      reader: "bronze",
      client: this.log,
      database: store.database,
      sink: createBronzeSink(store, wallNow, ({ events, signals }) => {
        counts.events += events;
        counts.signals += signals;
      }),
      bounds,
      wallNow,
      onGap: ({ first, last }) => said.push(`gap ${first}-${last}`),
      onLoss: ({ first, last, reason }) => said.push(`${reason} ${first}-${last}`),
    };
  }

  async rowsOf(query: string): Promise<Record<string, unknown>[]> {
    await createLogViews(this.store);
    return (await this.store.duckdb.runAndReadAll(query)).getRowObjectsJson();
  }

  async parquetFiles(): Promise<string[]> {
    const all = await readdir(join(this.folder, "offline"), { recursive: true });
    return all.filter((name) => name.endsWith(".parquet")).sort();
  }

  async close(): Promise<void> {
    this.store.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
