/**
 * The offline store: everything the origin knows of the past.
 *
 * Parquet files, zstd, in hive partitions by date (UTC), one folder an entity: any Spark, ClickHouse or warehouse reads
 * them as they are. A row carries the number of the import it came with, and of two rows about the same slot the later
 * import counts. Which files were imported stands in the origin's database.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { type OriginDatabase, openDatabase } from "../database/open-database.ts";

export const ENTITIES = ["bookings", "weather"] as const;
export type Entity = (typeof ENTITIES)[number];

export interface OfflineStore {
  /** Holds one folder for each entity. */
  folder: string;
  database: OriginDatabase;
  duckdb: DuckDBConnection;
  /** Another connection, for work that goes on beside the first one's. It closes with the store. */
  connect(): Promise<DuckDBConnection>;
  close(): void;
}

export interface StoreOptions {
  /** How long it waits for another process that writes to the database; a minute when left out. */
  busyMs?: number;
  /** DuckDB's threads and memory; what the machine has when left out. */
  duckdb?: { threads: string; memory_limit: string };
}

/** Opens the store in the origin's folder; makes it when it is not there. */
export async function openOfflineStore(
  originFolder: string,
  { busyMs, duckdb: limits }: StoreOptions = {},
): Promise<OfflineStore> {
  const folder = join(originFolder, "offline");
  await mkdir(folder, { recursive: true });
  const { database, close } = await openDatabase(join(originFolder, "origin.db"), busyMs);
  const instance = await DuckDBInstance.create(":memory:", {
    temp_directory: join(originFolder, "duckdb.tmp"),
    ...limits,
  });
  const connections: DuckDBConnection[] = [];
  const connect = async () => {
    const connection = await instance.connect();
    connections.push(connection);
    // Timestamps without a zone are UTC, in files and here.
    await connection.run("SET TimeZone = 'UTC'");
    return connection;
  };
  const duckdb = await connect();
  return {
    folder,
    database,
    duckdb,
    connect,
    close() {
      for (const connection of connections) connection.closeSync();
      instance.closeSync();
      close();
    },
  };
}

export function entityFolder(store: Pick<OfflineStore, "folder">, entity: Entity): string {
  return join(store.folder, entity);
}

/** Text as an SQL literal, for the places where DuckDB takes no parameter. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
