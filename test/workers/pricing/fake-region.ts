/** A region's object as the pricing Worker sees it: it makes the ticks it is told to. */
import type { HistorySeed, RegionWindowRpc } from "../../../contract/rpc.ts";
import { NO_CONTEXT } from "../../../domain/context.ts";
import { FEATURE_NAMES, FEATURE_SET_VERSION } from "../../../domain/features.ts";
import type { DemandForecast } from "../../../domain/forecast.ts";
import type { Announced } from "../../../domain/price-lows.ts";
import type { FeatureSnapshot } from "../../../domain/snapshot.ts";
import type { ToldBySlot } from "../../../domain/told-prices.ts";
import { type EpochMs, MINUTE_MS, type MinorUnits, type RegionId } from "../../../domain/units.ts";

/** Monday 19 May 2014, 16:00 in New York. */
export const EVENT_TIME = Date.UTC(2014, 4, 19, 20) as EpochMs;

export class FakeRegion implements Omit<RegionWindowRpc, "snapshot"> {
  readonly snapshots: FeatureSnapshot[] = [];
  history: HistorySeed | null = null;
  lastForecast: DemandForecast | null = null;
  told: ToldBySlot = {};
  lows: Record<string, MinorUnits> = {};
  announced: Announced = {};
  /** Questions for snapshots, by what they said was known. */
  readonly asked: number[] = [];
  private readonly regionId: RegionId;
  private readonly wallNow: () => number;

  constructor(regionId: RegionId, wallNow: () => number) {
    this.regionId = regionId;
    this.wallNow = wallNow;
  }

  /** Makes the next tick, of a quiet evening but for `changes`. */
  tick(changes: Partial<FeatureSnapshot> = {}): FeatureSnapshot {
    const asOf = (EVENT_TIME + this.snapshots.length * MINUTE_MS) as EpochMs;
    const snapshot: FeatureSnapshot = {
      regionId: this.regionId,
      tick: this.snapshots.length + 1,
      asOf,
      madeAt: this.wallNow() as EpochMs,
      featureSetVersion: FEATURE_SET_VERSION,
      features: FEATURE_NAMES.map((_, i) => (i % 7 === 6 ? null : (i % 5) / 2)),
      usual: [3, 3, 3, 3],
      signals: {
        asOf,
        bookingCount1m: 1,
        bookingCount5m: 2,
        bookingCount15m: 4,
        searchCount5m: 8,
        searchCount15m: 20,
        cancellationCount15m: 0,
        activeSessions30m: 12,
        lastBookingAt: asOf,
      },
      context: {
        ...NO_CONTEXT,
        supply: {
          value: { available: 4, busy: 9 },
          observedAt: asOf,
          validUntil: (asOf + 10 * MINUTE_MS) as EpochMs,
        },
      },
      lastForecast: this.lastForecast,
      told: this.told,
      lows: this.lows,
      ...changes,
    };
    this.snapshots.push(snapshot);
    return snapshot;
  }

  get latest(): FeatureSnapshot {
    return this.snapshots.at(-1) ?? this.tick();
  }

  async snapshot(knownTick: number, told: ToldBySlot = {}): Promise<FeatureSnapshot | null> {
    this.asked.push(knownTick);
    this.told = { ...this.told, ...told };
    const { latest } = this;
    return latest.tick === knownTick ? null : structuredClone(latest);
  }

  async snapshotAt(tick: number): Promise<FeatureSnapshot | null> {
    return structuredClone(this.snapshots.find((snapshot) => snapshot.tick === tick) ?? null);
  }

  async recordDecided(
    _tick: number,
    forecast: DemandForecast | null,
    told: ToldBySlot,
    announced: Announced = {},
  ): Promise<void> {
    if (forecast) this.lastForecast = forecast;
    this.announced = announced;
    this.told = { ...this.told, ...told };
  }

  async seedHistory(seed: HistorySeed): Promise<void> {
    this.history = seed;
  }

  async demand() {
    const { signals } = this.latest;
    return {
      watermarkAt: signals.asOf,
      signals,
      supply: { available: 4, busy: 9 },
      totals: { search: 20, view: 0, booking: 4, cancellation: 0, late: 0, duplicates: 1 },
    };
  }
}
