/** Takes ranges of the event log into bronze: Parquet files first, then the rows that make them count. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { EpochMs } from "../../domain/units.ts";
import type { OriginDatabase } from "../database/open-database.ts";
import { bronzeFiles } from "../database/schema.ts";
import { partitionFolder, rangeFileName, UNREADABLE_FOLDER } from "./bronze-folder.ts";
import { publishFile, unfinishedPath } from "./durable-file.ts";
import { EventsTable } from "./events-table.ts";
import type { SegmentSink } from "./read-log.ts";
import { segmentItems } from "./segment-items.ts";
import { SignalsTable } from "./signals-table.ts";
import { writeParquet } from "./write-parquet.ts";

export interface BronzeStore {
  /** The offline store. */
  folder: string;
  database: OriginDatabase;
  duckdb: DuckDBConnection;
}

export interface BronzeCounts {
  events: number;
  signals: number;
}

/**
 * A sink for one range after the other. Repeating a range writes the same files again; two processes that take the same range
 * meet at the key of `bronze_files`, and one of them fails.
 */
export function createBronzeSink(
  store: BronzeStore,
  wallNow: () => EpochMs,
  onTaken: (counts: BronzeCounts) => void,
): SegmentSink {
  const { folder, database, duckdb } = store;
  let fileName = "";
  let events: EventsTable;
  let signals: SignalsTable;
  let counts: BronzeCounts;
  const tables: { drop(): Promise<void> }[] = [];
  const dropTables = async () => {
    for (const table of tables.splice(0)) await table.drop();
  };

  return {
    async begin(writer, first, last) {
      // Of a range that was not finished.
      await dropTables();
      fileName = rangeFileName(writer, first, last);
      events = await EventsTable.open(duckdb, writer);
      tables.push(events);
      signals = await SignalsTable.open(duckdb, writer);
      tables.push(signals);
      counts = { events: 0, signals: 0 };
    },
    async take(sequence, bytes) {
      let position = 0;
      for (const item of segmentItems(bytes)) {
        if (item.kind === "event") {
          events.add(item.event, item.receivedAt, sequence, position++);
          counts.events++;
        } else {
          signals.add(item.signal, item.receivedAt, sequence);
          counts.signals++;
        }
      }
    },
    async setAside(writer, sequence, bytes) {
      const path = join(folder, UNREADABLE_FOLDER, `${writer}-${sequence}.segment`);
      await mkdir(dirname(path), { recursive: true });
      const unfinished = unfinishedPath(path, process.pid);
      await writeFile(unfinished, bytes);
      await publishFile(unfinished, path);
    },
    async finish() {
      const statements = [];
      for (const partition of [...events.finish(), ...signals.finish()]) {
        const { query, rows, firstReceivedAt, lastReceivedAt, ...where } = partition;
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
      await dropTables();
      return statements;
    },
    committed: () => onTaken(counts),
  };
}
