import type { Log } from "../../contract/log.ts";
import { messageOf } from "../../contract/log.ts";
import { regionsDocumentSchema } from "../../contract/regions.ts";
import { POINTER, regionsKey } from "../../contract/store-keys.ts";
import type { RegionId } from "../../domain/units.ts";

/** Where published configuration is read from. */
export interface ConfigStore {
  get(key: string): Promise<string | null>;
}

/** How old the list may get before it is read again. */
const FRESH_MS = 10_000;
/** A read that takes longer is given up: its request may have ended and taken the read with it. */
const READ_LIMIT_MS = 15_000;

/**
 * The regions there are, as last published.
 *
 * Read once before the first event, then again beside a request every ten seconds. What was read last is good until
 * something newer was read whole: a broken publication changes nothing.
 */
export class RegionDirectory {
  private readonly store: ConfigStore;
  private readonly wallNow: () => number;
  private readonly log: Log;
  private regions: ReadonlySet<RegionId> | null = null;
  private version: string | null = null;
  private checkedAt = Number.NEGATIVE_INFINITY;
  private readingSince = Number.NEGATIVE_INFINITY;

  constructor(store: ConfigStore, wallNow: () => number, log: Log) {
    this.store = store;
    this.wallNow = wallNow;
    this.log = log;
  }

  /** The regions, or null when they never could be read. `waitUntil` keeps a read going that nobody waits for. */
  async current(waitUntil: (work: Promise<void>) => void): Promise<ReadonlySet<RegionId> | null> {
    const now = this.wallNow();
    if (!this.regions) await this.read();
    else if (now - this.checkedAt > FRESH_MS && now - this.readingSince > READ_LIMIT_MS) {
      waitUntil(this.read());
    }
    return this.regions;
  }

  /** Reads the published list; on any failure the last good one stays, and the log says why. */
  private async read(): Promise<void> {
    this.readingSince = this.wallNow();
    try {
      const version = await this.store.get(POINTER.regions);
      if (version === null) throw new Error("no regions are published");
      if (version !== this.version) {
        const text = await this.store.get(regionsKey(version));
        if (text === null) throw new Error(`the published regions are missing: ${version}`);
        const { regions } = regionsDocumentSchema.parse(JSON.parse(text));
        this.regions = new Set(regions.map(({ region_id }) => region_id));
        this.version = version;
      }
    } catch (error) {
      this.log("error", "regions could not be read", { error: messageOf(error) });
    } finally {
      this.checkedAt = this.wallNow();
      this.readingSince = Number.NEGATIVE_INFINITY;
    }
  }
}
