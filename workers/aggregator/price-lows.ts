import {
  type Announced,
  type DayLow,
  dayLowsIn,
  dayOf,
  LOWS_KEPT_DAYS,
  lowBefore,
  productOf,
} from "../../domain/price-lows.ts";
import type { ToldBySlot } from "../../domain/told-prices.ts";
import type { EpochMs, MinorUnits } from "../../domain/units.ts";
import type { Sql } from "./counted-sql.ts";

/** A row a product and day on which it was told, written when a price is lower than all before it that day; a row a reduction. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS price_lows (
    product TEXT NOT NULL, day INTEGER NOT NULL, price_minor INTEGER NOT NULL, PRIMARY KEY (product, day)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS reductions (product TEXT PRIMARY KEY, since INTEGER NOT NULL, low INTEGER) WITHOUT ROWID;
`;

interface Reduction {
  since: EpochMs;
  /** Of the thirty days before it; null where no price of them is known. */
  low: MinorUnits | null;
}

/**
 * The lowest prices of a region's products, day by day.
 *
 * The low before a reduction is taken when the region first hears of it, from prices told before, and stays as long as it is announced:
 * reduced prices never count against themselves.
 */
export class PriceLows {
  private readonly sql: Sql;
  private readonly byProduct = new Map<string, Map<number, MinorUnits>>();
  private readonly reductions = new Map<string, Reduction>();
  private sweptOn = Number.NEGATIVE_INFINITY;

  constructor(sql: Sql) {
    this.sql = sql;
    sql.exec(SCHEMA);
    const lows = sql.exec<{ product: string; day: number; price_minor: number }>(
      "SELECT product, day, price_minor FROM price_lows",
    );
    for (const { product, day, price_minor } of lows) {
      this.lowsOf(product).set(day, price_minor as MinorUnits);
    }
    const reductions = sql.exec<{ product: string; since: number; low: number | null }>(
      "SELECT product, since, low FROM reductions",
    );
    for (const { product, since, low } of reductions) {
      this.reductions.set(product, { since: since as EpochMs, low: low as MinorUnits | null });
    }
  }

  /** Takes note of prices in force at `asOf` (event time), and of the reductions that they were told as. */
  take(told: ToldBySlot, announced: Announced, asOf: EpochMs): void {
    const today = dayOf(asOf);
    if (today > this.sweptOn) this.sweep(today);
    for (const product of new Set(Object.keys(told).map(productOf))) {
      this.note(product, announced[product] ?? null);
    }
    for (const low of dayLowsIn(told, asOf)) this.lower(low, today);
  }

  /** By product, the low of the thirty days before its reduction, or, where none is announced, before `asOf`. */
  at(asOf: EpochMs): Record<string, MinorUnits> {
    const found: Record<string, MinorUnits> = {};
    for (const [product, lows] of this.byProduct) {
      const reduction = this.reductions.get(product);
      const low = reduction ? reduction.low : lowBefore(lows, asOf);
      if (low !== null) found[product] = low;
    }
    return found;
  }

  private note(product: string, since: EpochMs | null): void {
    const known = this.reductions.get(product);
    if (since === (known?.since ?? null)) return;
    if (since === null) {
      this.reductions.delete(product);
      this.sql.exec("DELETE FROM reductions WHERE product = ?", product);
      return;
    }
    const low = lowBefore(this.lowsOf(product), since);
    this.reductions.set(product, { since, low });
    this.sql.exec(
      `INSERT INTO reductions (product, since, low) VALUES (?, ?, ?)
       ON CONFLICT (product) DO UPDATE SET since = excluded.since, low = excluded.low`,
      product,
      since,
      low,
    );
  }

  private lower({ product, day, priceMinor }: DayLow, today: number): void {
    if (day <= today - LOWS_KEPT_DAYS || day > today) return;
    const lows = this.lowsOf(product);
    if (priceMinor >= (lows.get(day) ?? Number.POSITIVE_INFINITY)) return;
    lows.set(day, priceMinor);
    this.sql.exec(
      `INSERT INTO price_lows (product, day, price_minor) VALUES (?, ?, ?)
       ON CONFLICT (product, day) DO UPDATE SET price_minor = excluded.price_minor`,
      product,
      day,
      priceMinor,
    );
  }

  /** Forgets days that no window reaches any more, once a day. */
  private sweep(today: number): void {
    this.sweptOn = today;
    const oldest = today - LOWS_KEPT_DAYS;
    for (const [product, lows] of this.byProduct) {
      for (const day of lows.keys()) if (day <= oldest) lows.delete(day);
      if (lows.size === 0) this.byProduct.delete(product);
    }
    this.sql.exec("DELETE FROM price_lows WHERE day <= ?", oldest);
  }

  private lowsOf(product: string): Map<number, MinorUnits> {
    const lows = this.byProduct.get(product) ?? new Map<number, MinorUnits>();
    this.byProduct.set(product, lows);
    return lows;
  }
}
