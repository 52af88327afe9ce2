/** Takes a file into the offline store. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { eq, max } from "drizzle-orm";
import { messageOf } from "../../contract/log.ts";
import { imports } from "../database/schema.ts";
import { type Entity, entityFolder, literal, type OfflineStore } from "./offline-store.ts";
import { COLUMNS, type ImportSource } from "./source.ts";

export interface ImportReport {
  entity: Entity;
  file: string;
  sha256: string;
  rows: number;
  /** True when the same bytes had been imported before: nothing was done. */
  known: boolean;
}

/** A file that cannot be imported, with what is wrong with it. */
export interface ImportFault {
  reason: "unreadable" | "bad_rows" | "empty";
  file: string;
  detail: string;
}

/**
 * Imports a file once, whole or not at all.
 *
 * The row in `imports` is what makes the files count: its transaction is held while they are written, so imports follow
 * each other, and files of one that was interrupted are removed by the next.
 */
export function importRows(
  store: OfflineStore,
  source: ImportSource,
  importedAt: Date,
): Promise<ImportReport | ImportFault> {
  const file = basename(source.path);
  return store.database.transaction(
    async (transaction): Promise<ImportReport | ImportFault> => {
      const sha256 = await sha256Of(source.path);
      if (typeof sha256 !== "string") return { ...sha256, file };
      const [known] = await transaction.select().from(imports).where(eq(imports.sha256, sha256));
      if (known) return { entity: known.entity, file, sha256, rows: known.rows, known: true };

      const [last] = await transaction.select({ sequence: max(imports.sequence) }).from(imports);
      const sequence = (last?.sequence ?? 0) + 1;
      const loaded = await loadChecked(store, source);
      if (typeof loaded !== "number") return { ...loaded, file };
      await writePartitions(store, source.entity, sequence);
      await transaction
        .insert(imports)
        .values({ sequence, sha256, entity: source.entity, name: file, rows: loaded, importedAt });
      return { entity: source.entity, file, sha256, rows: loaded, known: false };
    },
    { behavior: "immediate" },
  );
}

/** How each entity's columns are read, what a good row is, and what names one. */
const RULES = {
  bookings: {
    columns: [
      "CAST(region_id AS VARCHAR) AS region_id",
      "CAST(CAST(slot_at AS TIMESTAMPTZ) AS TIMESTAMP) AS slot_at",
      "CAST(bookings AS INTEGER) AS bookings",
    ],
    good: [
      "regexp_full_match(region_id, '[a-z0-9-]{1,64}')",
      "epoch_ms(slot_at) % 900000 = 0",
      "bookings >= 0",
    ],
    key: ["region_id", "slot_at"],
    time: "slot_at",
  },
  weather: {
    columns: [
      "CAST(place AS VARCHAR) AS place",
      "CAST(CAST(hour_at AS TIMESTAMPTZ) AS TIMESTAMP) AS hour_at",
      "CAST(temp_f AS DOUBLE) AS temp_f",
      "CAST(precip_in AS DOUBLE) AS precip_in",
    ],
    good: [
      "regexp_full_match(place, '[a-z0-9]{1,64}')",
      "epoch_ms(hour_at) % 3600000 = 0",
      "temp_f BETWEEN -100 AND 150",
      "precip_in BETWEEN 0 AND 20",
    ],
    key: ["place", "hour_at"],
    time: "hour_at",
  },
} as const satisfies Record<Entity, object>;

/** Reads the source into the table `loading`. Returns the number of rows, or what is wrong with them. */
async function loadChecked(
  { duckdb }: OfflineStore,
  { entity, query }: ImportSource,
): Promise<number | Omit<ImportFault, "file">> {
  const { columns, good, key } = RULES[entity];
  try {
    await duckdb.run(
      `CREATE OR REPLACE TEMP TABLE loading AS SELECT ${columns.join(", ")} FROM (${query})`,
    );
  } catch (error) {
    const needed = COLUMNS[entity].join(", ");
    // The first line says what is wrong; the others point into a statement that the user never saw.
    const [problem] = messageOf(error).split("\n", 1);
    return { reason: "unreadable", detail: `${entity} needs ${needed}. ${problem}` };
  }
  const isGood = good.map((condition) => `coalesce(${condition}, false)`).join(" AND ");
  const names = key.join(", ");
  const checked = await duckdb.runAndReadAll(`
    SELECT
      count(*)::INTEGER AS row_count,
      count(*) FILTER (NOT (${isGood}))::INTEGER AS bad,
      CAST(any_value(loading) FILTER (NOT (${isGood})) AS VARCHAR) AS example,
      (count(*) - count(DISTINCT (${names})))::INTEGER AS repeated
    FROM loading`);
  const [counts] = checked.getRowObjectsJson();
  const rows = Number(counts?.row_count);
  if (rows === 0) return { reason: "empty", detail: "The file has no rows." };
  if (Number(counts?.bad) > 0) {
    const detail = `${counts?.bad} of ${rows} rows do not fit (${good.join("; ")}), such as ${counts?.example}.`;
    return { reason: "bad_rows", detail };
  }
  if (Number(counts?.repeated) > 0) {
    return { reason: "bad_rows", detail: `${counts?.repeated} rows repeat a ${names} of another.` };
  }
  return rows;
}

/** Writes the table `loading` into one file for each date. */
async function writePartitions(
  store: OfflineStore,
  entity: Entity,
  sequence: number,
): Promise<void> {
  const { time, key } = RULES[entity];
  const folder = entityFolder(store, entity);
  await mkdir(folder, { recursive: true });
  const prefix = `import-${sequence}-`;
  for (const path of await readdir(folder, { recursive: true })) {
    if (basename(path).startsWith(prefix)) await rm(join(folder, path));
  }
  await store.duckdb.run(`
    COPY (
      SELECT *, ${sequence}::INTEGER AS import_sequence, CAST(${time} AS DATE) AS date
      FROM loading ORDER BY ${key.join(", ")}
    ) TO ${literal(folder)} (
      FORMAT parquet, COMPRESSION zstd, PARTITION_BY (date),
      FILENAME_PATTERN ${literal(`${prefix}{i}`)}, OVERWRITE_OR_IGNORE
    )`);
  await store.duckdb.run("DROP TABLE loading");
}

async function sha256Of(path: string): Promise<string | Omit<ImportFault, "file">> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
  } catch (error) {
    return { reason: "unreadable", detail: messageOf(error) };
  }
  return hash.digest("hex");
}
