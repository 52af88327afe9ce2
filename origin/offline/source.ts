/** Where rows of an import come from, as DuckDB reads them. */
import { extname } from "node:path";
import type { Entity } from "./offline-store.ts";
import { literal } from "./offline-store.ts";

export const FORMATS = ["csv", "jsonl", "parquet"] as const;
export type Format = (typeof FORMATS)[number];

export interface ImportSource {
  entity: Entity;
  /** The file whose bytes identify the import. */
  path: string;
  /** A SELECT that gives the entity's columns; see COLUMNS. */
  query: string;
}

/** What a file of each entity must have. Times are UTC where they name no offset. */
export const COLUMNS = {
  /** `bookings` made in the quarter hour that begins at `slot_at`. A slot without a row had none. */
  bookings: ["region_id", "slot_at", "bookings"],
  /** `place` is what a region id says before its first hyphen: one weather for `nyc-161` and `nyc-162`. */
  weather: ["place", "hour_at", "temp_f", "precip_in"],
} as const satisfies Record<Entity, readonly string[]>;

/** The format that a file's name tells, or null. */
export function formatOf(path: string): Format | null {
  switch (extname(path).toLowerCase()) {
    case ".csv":
      return "csv";
    case ".jsonl":
    case ".ndjson":
      return "jsonl";
    case ".parquet":
      return "parquet";
    default:
      return null;
  }
}

/** A file that has the entity's columns, under their names. */
export function sourceFrom(entity: Entity, path: string, format: Format): ImportSource {
  return {
    entity,
    path,
    query: `SELECT ${COLUMNS[entity].join(", ")} FROM ${reader(format, path)}`,
  };
}

function reader(format: Format, path: string): string {
  switch (format) {
    case "csv":
      return `read_csv(${literal(path)}, header = true, all_varchar = true)`;
    case "jsonl":
      return `read_json(${literal(path)}, format = 'newline_delimited')`;
    case "parquet":
      return `read_parquet(${literal(path)})`;
  }
}
