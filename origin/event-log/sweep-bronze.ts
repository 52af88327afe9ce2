import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { and, inArray, isNotNull, lt } from "drizzle-orm";
import { type EpochMs, HOUR_MS, MINUTE_MS } from "../../domain/units.ts";
import { bronzeFiles } from "../database/schema.ts";
import { BRONZE_FOLDER } from "./bronze-folder.ts";
import type { BronzeStore } from "./bronze-sink.ts";

/** Readers that began before a file was replaced have so long to finish. */
const REPLACED_FOR_MS = 10 * MINUTE_MS;
/** A file that no row names is one that is being written, or after this long one that a crash left. */
const LEFT_AFTER_MS = HOUR_MS;

/** Deletes files that were replaced, and what crashes left. Returns how many. */
export async function sweepBronze(
  { folder, database }: Pick<BronzeStore, "folder" | "database">,
  now: EpochMs,
): Promise<number> {
  const longAgo = new Date(now - REPLACED_FOR_MS);
  const replaced = await database
    .select({ path: bronzeFiles.path })
    .from(bronzeFiles)
    .where(and(isNotNull(bronzeFiles.replacedAt), lt(bronzeFiles.replacedAt, longAgo)));
  for (const { path } of replaced) await rm(join(folder, path), { force: true });
  // A row goes after its file: the other way round a crash would leave a file that counts twice for whoever lists the folder.
  for (let at = 0; at < replaced.length; at += ROWS_AT_ONCE) {
    const paths = replaced.slice(at, at + ROWS_AT_ONCE).map(({ path }) => path);
    await database.delete(bronzeFiles).where(inArray(bronzeFiles.path, paths));
  }
  const left = await filesLeft({ folder, database }, now);
  for (const path of left) await rm(path, { force: true });
  return replaced.length + left.length;
}

const ROWS_AT_ONCE = 500;

/** Parquet files, finished or not, that no row names and that nobody has touched for an hour. */
async function filesLeft(
  { folder, database }: Pick<BronzeStore, "folder" | "database">,
  now: EpochMs,
): Promise<string[]> {
  const named = new Set(
    (await database.select({ path: bronzeFiles.path }).from(bronzeFiles)).map(({ path }) => path),
  );
  const left: string[] = [];
  const bronze = join(folder, BRONZE_FOLDER);
  await mkdir(bronze, { recursive: true });
  const entries = await readdir(bronze, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/\.parquet(\.\d+\.part)?$/.test(entry.name)) continue;
    if (named.has(relative(folder, path))) continue;
    const { mtimeMs } = await stat(path);
    if (now - mtimeMs > LEFT_AFTER_MS) left.push(path);
  }
  return left;
}
