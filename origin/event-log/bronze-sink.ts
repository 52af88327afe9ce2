/** Takes ranges of the event log into bronze: Parquet files first, then the rows that make them count. */
import type { DuckDBConnection } from "@duckdb/node-api";
import type { EpochMs } from "../../domain/units.ts";
import type { OriginDatabase } from "../database/open-database.ts";
import { rangeFileName } from "./bronze-folder.ts";
import { EventsTable } from "./events-table.ts";
import { keepUnreadable } from "./keep-unreadable.ts";
import { publishPartitions } from "./publish-partitions.ts";
import type { SegmentSink } from "./read-log.ts";
import { segmentFault, segmentItems } from "./segment-items.ts";
import { SignalsTable } from "./signals-table.ts";

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
  const { duckdb } = store;
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
    faultOf: segmentFault,
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
    setAside: (writer, sequence, bytes) => keepUnreadable(store, writer, sequence, bytes),
    async finish() {
      const partitions = [...events.finish(), ...signals.finish()];
      const statements = await publishPartitions(store, partitions, fileName, wallNow);
      await dropTables();
      return statements;
    },
    committed: () => onTaken(counts),
  };
}
