import { readFile } from "node:fs/promises";
import { readColumns } from "../parquet-columns.ts";

/** Readers of the shipped tables of the online shop. */

export interface SoldProduct {
  stock_code: string;
  description: string;
  /** What most lines of the first three months paid. */
  list_price_pence: number;
}

/** The lines of a product on a day that had one price. */
export interface DailySales {
  /** Place in the list of products. */
  product: number;
  /** Midnight UTC, epoch milliseconds. */
  dayAt: number;
  pricePence: number;
  lines: number;
  units: number;
  unitsReturned: number;
}

export async function loadProducts(): Promise<SoldProduct[]> {
  return JSON.parse(await readFile(new URL("products.json", import.meta.url), "utf8"));
}

/** By product, day and price. */
export async function loadDailySales(): Promise<DailySales[]> {
  const columns = await readColumns(new URL("sales-daily.parquet", import.meta.url), [
    "product",
    "day_at",
    "price_pence",
    "lines",
    "units",
    "units_returned",
  ]);
  const at = (name: keyof typeof columns, row: number) => columns[name][row] ?? Number.NaN;
  return Array.from(columns.product, (product, row) => ({
    product,
    dayAt: at("day_at", row),
    pricePence: at("price_pence", row),
    lines: at("lines", row),
    units: at("units", row),
    unitsReturned: at("units_returned", row),
  }));
}
