/**
 * Makes few large files of many small ones.
 *
 * A partition is compacted when its day is over, and before that when it holds very many files. The new file is there before
 * the rows that say so, and the old ones are deleted a while after them, so that whoever reads them can finish. A crash leaves
 * files that no row names, which the next run writes over or deletes.
 */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { and, asc, inArray, isNull } from "drizzle-orm";
import { type EpochMs, plus } from "../../domain/units.ts";
import { bronzeFiles } from "../database/schema.ts";
import { ONE_ROW_A_DECISION } from "../decisions/decisions-table.ts";
import { literal } from "../offline/offline-store.ts";
import { type BronzePartition, dateOf, partitionFolder } from "./bronze-folder.ts";
import type { BronzeStore } from "./bronze-sink.ts";
import { writeParquet } from "./write-parquet.ts";

/** More files than this are compacted although their day is not over. */
const MANY_FILES = 256;
/** A day is over when the event clock is past it by the time that segments take to come. */
const DAY_IS_OVER_AFTER_MS = 15 * 60_000;
/** A file that is large already is left alone while its day lasts. */
const LARGE_FILE_BYTES = 64 * 1024 * 1024;

type BronzeFile = typeof bronzeFiles.$inferSelect;

export interface Compaction extends BronzePartition {
  files: number;
  /** Of the new file; of decisions fewer than before, where some stood in several files. */
  rows: number;
}

/** Compacts every partition that is due. `eventNow` says which days are over, of decisions the wall clock. */
export async function compactBronze(
  store: BronzeStore,
  eventNow: EpochMs,
  wallNow: () => EpochMs,
  signal: AbortSignal,
): Promise<Compaction[]> {
  const done: Compaction[] = [];
  const todayOf = ({ entity }: BronzePartition) =>
    dateOf(plus(entity === "decisions" ? wallNow() : eventNow, -DAY_IS_OVER_AFTER_MS));
  for (const files of await partitionsDue(store, todayOf)) {
    if (signal.aborted) break;
    done.push(await compactFiles(store, files, new Date(wallNow())));
  }
  return done;
}

/** The files in effect of each partition that is due, in the order in which they were written. */
async function partitionsDue(
  { database }: BronzeStore,
  todayOf: (partition: BronzePartition) => string,
): Promise<BronzeFile[][]> {
  const files = await database
    .select()
    .from(bronzeFiles)
    .where(isNull(bronzeFiles.replacedAt))
    .orderBy(asc(bronzeFiles.firstReceivedAt), asc(bronzeFiles.path));
  const partitions = Map.groupBy(files, partitionFolder);
  return [...partitions.values()].flatMap((all) => {
    const isOver = all.every((file) => file.date < todayOf(file));
    const small = isOver ? all : all.filter(({ bytes }) => bytes < LARGE_FILE_BYTES);
    return small.length > (isOver ? 1 : MANY_FILES) ? [small] : [];
  });
}

async function compactFiles(
  { folder, database, duckdb }: BronzeStore,
  files: readonly BronzeFile[],
  now: Date,
): Promise<Compaction> {
  const [first] = files;
  if (!first) throw new Error("nothing to compact");
  const { entity, topic, date } = first;
  const paths = files.map(({ path }) => path);
  const path = `${partitionFolder(first)}/${nameOfAll(paths)}`;
  const list = paths.map((one) => literal(join(folder, one))).join(", ");
  const once = entity === "decisions" ? ONE_ROW_A_DECISION : "";
  const query = `SELECT * FROM read_parquet([${list}], hive_partitioning = false) ${once}`;
  const { bytes, rows } = await writeParquet(duckdb, query, folder, path);
  const written = {
    ...{ path, entity, topic, date, rows, bytes },
    firstReceivedAt: new Date(Math.min(...files.map((file) => file.firstReceivedAt.getTime()))),
    lastReceivedAt: new Date(Math.max(...files.map((file) => file.lastReceivedAt.getTime()))),
    writtenAt: now,
  };
  await database.batch([
    // A second compaction of the same files fails here, at the key.
    database.insert(bronzeFiles).values(written),
    database
      .update(bronzeFiles)
      .set({ replacedAt: now })
      .where(and(inArray(bronzeFiles.path, paths), isNull(bronzeFiles.replacedAt))),
  ]);
  return { entity, topic, date, files: files.length, rows };
}

/** The same files give the same name, so that a compaction that is repeated writes over what it left. */
function nameOfAll(paths: readonly string[]): string {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(`${basename(path)}\n`);
  return `compacted-${hash.digest("hex").slice(0, 16)}.parquet`;
}
