import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { literal } from "../offline/offline-store.ts";
import { publishFile, unfinishedPath } from "./durable-file.ts";

/**
 * Writes the rows of a query into a Parquet file, which is there whole or not at all. Writing it again puts the same file in
 * its place. Returns its size and how many rows it has.
 */
export async function writeParquet(
  duckdb: DuckDBConnection,
  query: string,
  folder: string,
  path: string,
): Promise<{ bytes: number; rows: number }> {
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  const unfinished = unfinishedPath(target, process.pid);
  const copied = await duckdb.runAndReadAll(
    `COPY (${query}) TO ${literal(unfinished)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  await publishFile(unfinished, target);
  const [[rows] = []] = copied.getRowsJS();
  return { bytes: (await stat(target)).size, rows: Number(rows) };
}
