/**
 * Copies a region's newest snapshot to Redis, beside the ticks: nobody waits for it, and nothing depends on it.
 *
 * At most one write a second, of the newest snapshot there is by then; while Redis does not answer it is left alone, and the
 * next tick after that finds it again.
 */
import type { Breaker } from "../../contract/breaker.ts";
import { mirrorFieldsFrom } from "../../contract/feature-mirror.ts";
import { type Log, messageOf } from "../../contract/log.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import { SECOND_MS } from "../../domain/units.ts";
import type { MirrorMetrics } from "./mirror-metrics.ts";

/** Where the copies lie. */
export interface MirrorStore {
  /** Replaces a region's fields, all at once, unless newer ones are there. In bounded time; rejects when that failed. */
  replace(regionId: string, fields: Record<string, string>): Promise<"written" | "outdated">;
}

export interface MirrorPorts {
  store: MirrorStore;
  /** Shared by the regions of an isolate: Redis is down for all of them. */
  breaker: Breaker;
  wallNow(): number;
  log: Log;
  metrics: MirrorMetrics;
}

const WRITE_EVERY_MS = SECOND_MS;

export class FeatureMirror {
  private readonly ports: MirrorPorts;
  private pending: FeatureSnapshot | null = null;
  private isWriting = false;
  private wroteAt = Number.NEGATIVE_INFINITY;

  constructor(ports: MirrorPorts) {
    this.ports = ports;
  }

  /** Takes note of a snapshot. Done when it is written, given up, or somebody else's to write; it never rejects. */
  async offer(snapshot: FeatureSnapshot): Promise<void> {
    this.pending = snapshot;
    if (this.isWriting) return;
    this.isWriting = true;
    await this.writePending();
  }

  private async writePending(): Promise<void> {
    const { wallNow } = this.ports;
    try {
      while (this.pending) {
        const waitMs = this.wroteAt + WRITE_EVERY_MS - wallNow();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        const snapshot = this.pending;
        this.pending = null;
        this.wroteAt = wallNow();
        await this.write(snapshot);
      }
    } finally {
      this.isWriting = false;
    }
  }

  private async write(snapshot: FeatureSnapshot): Promise<void> {
    const { store, breaker, wallNow, log, metrics } = this.ports;
    const { regionId, tick } = snapshot;
    const startedAt = wallNow();
    if (!breaker.admits(startedAt)) {
      metrics.skipped.value++;
      return;
    }
    try {
      const outcome = await store.replace(regionId, mirrorFieldsFrom(snapshot));
      breaker.succeeded();
      metrics[outcome].value++;
      metrics.seconds.observe((wallNow() - startedAt) / SECOND_MS);
    } catch (error) {
      breaker.failed(startedAt);
      metrics.failed.value++;
      log("warn", "features were not mirrored", { regionId, tick, error: messageOf(error) });
    }
  }
}
