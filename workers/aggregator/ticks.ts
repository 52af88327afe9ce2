import type { DemandForecast } from "../../domain/forecast.ts";
import { materialOf } from "../../domain/region-snapshot.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import type { ToldBySlot } from "../../domain/told-prices.ts";
import { HOUR_MS } from "../../domain/units.ts";
import type { Sql } from "./counted-sql.ts";

/**
 * The snapshots of a region, by tick. A decision can be replayed from its tick for two hours of wall time; a snapshot is
 * written before anyone is told of it.
 */
const SCHEMA =
  "CREATE TABLE IF NOT EXISTS snapshots (tick INTEGER PRIMARY KEY, made_at INTEGER NOT NULL, json TEXT NOT NULL)";
const KEPT_MS = 2 * HOUR_MS;
/** Old snapshots go once in so many ticks, twice as many at a time at most. */
const SWEEP_EVERY = 64;

export class Ticks {
  latest: FeatureSnapshot | null;
  /** What the latest snapshot says, as `materialOf` has it; "" before the first. */
  latestMaterial: string;
  private forecast: DemandForecast | null;
  /** What was told at the latest tick, with what its snapshot knew of before; null until somebody says. */
  private heard: ToldBySlot | null = null;
  private readonly sql: Sql;

  constructor(sql: Sql) {
    this.sql = sql;
    sql.exec(SCHEMA);
    this.latest = this.first("ORDER BY tick DESC LIMIT 1");
    this.latestMaterial = this.latest ? materialOf(this.latest.signals, this.latest.context) : "";
    this.forecast = this.latest?.lastForecast ?? null;
  }

  get next(): number {
    return (this.latest?.tick ?? 0) + 1;
  }

  /** The newest forecast that was made for the region. It is stored with the next snapshot. */
  get lastForecast(): DemandForecast | null {
    return this.forecast;
  }

  /** Takes note of a forecast, unless a newer one is known. */
  record(forecast: DemandForecast): void {
    if (this.forecast && this.forecast.madeAt > forecast.madeAt) return;
    this.forecast = forecast;
  }

  /** Takes note of prices that were told at a tick; those of an earlier one are in the latest snapshot already. */
  recordTold(tick: number, told: ToldBySlot): void {
    if (tick === this.latest?.tick) this.heard = { ...this.heard, ...told };
  }

  /** True when the latest tick has been priced, or there is nobody who says so. */
  get isTold(): boolean {
    return this.heard !== null || Object.keys(this.latest?.told ?? {}).length === 0;
  }

  /** The prices that those of the next tick follow. It is stored with the next snapshot. */
  get told(): ToldBySlot {
    return { ...this.latest?.told, ...this.heard };
  }

  /** Stores a snapshot, which then is the latest, and returns it as JSON. */
  add(snapshot: FeatureSnapshot): string {
    const { tick, madeAt } = snapshot;
    const json = JSON.stringify(snapshot);
    this.sql.exec(
      "INSERT INTO snapshots (tick, made_at, json) VALUES (?, ?, ?)",
      tick,
      madeAt,
      json,
    );
    this.latest = snapshot;
    this.heard = null;
    this.latestMaterial = materialOf(snapshot.signals, snapshot.context);
    if (tick % SWEEP_EVERY === 0) this.sweep(madeAt - KEPT_MS);
    return json;
  }

  at(tick: number): FeatureSnapshot | null {
    return this.latest?.tick === tick ? this.latest : this.first("WHERE tick = ?", tick);
  }

  private sweep(before: number): void {
    this.sql.exec(
      `DELETE FROM snapshots WHERE made_at < ? AND tick <= (
         SELECT max(tick) FROM (SELECT tick FROM snapshots ORDER BY tick LIMIT ?)
       )`,
      before,
      2 * SWEEP_EVERY,
    );
  }

  private first(which: string, ...bindings: number[]): FeatureSnapshot | null {
    const [row] = this.sql.exec<{ json: string }>(
      `SELECT json FROM snapshots ${which}`,
      ...bindings,
    );
    // Snapshots of an earlier build told no prices, and no lows of them.
    if (!row) return null;
    const snapshot = JSON.parse(row.json) as FeatureSnapshot;
    return { ...snapshot, told: snapshot.told ?? {}, lows: snapshot.lows ?? {} };
  }
}
