import type { EpochMs } from "../../domain/units.ts";
import { bronzeFiles } from "../database/schema.ts";
import { partitionFolder } from "./bronze-folder.ts";
import type { BronzeStore } from "./bronze-sink.ts";
import type { PartitionRows } from "./events-table.ts";
import type { Statement } from "./read-log.ts";
import { writeParquet } from "./write-parquet.ts";

/** Writes a file for each partition. The statements that are returned make them count. */
export async function publishPartitions(
  { folder, database, duckdb }: BronzeStore,
  partitions: readonly PartitionRows[],
  fileName: string,
  wallNow: () => EpochMs,
): Promise<Statement[]> {
  const statements: Statement[] = [];
  for (const { query, rows, firstReceivedAt, lastReceivedAt, ...where } of partitions) {
    const path = `${partitionFolder(where)}/${fileName}`;
    const { bytes } = await writeParquet(duckdb, query, folder, path);
    statements.push(
      database.insert(bronzeFiles).values({
        path,
        ...where,
        rows,
        bytes,
        firstReceivedAt: new Date(firstReceivedAt),
        lastReceivedAt: new Date(lastReceivedAt),
        writtenAt: new Date(wallNow()),
      }),
    );
  }
  return statements;
}
