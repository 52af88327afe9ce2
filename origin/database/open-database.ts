import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createClient } from "@libsql/client";
import { drizzle, type LibSQLDatabase } from "drizzle-orm/libsql";
import { migrate } from "drizzle-orm/libsql/migrator";
import { SECOND_MS } from "../../domain/units.ts";
import * as schema from "./schema.ts";

export type OriginDatabase = LibSQLDatabase<typeof schema>;

const MIGRATIONS = join(import.meta.dirname, "../../migrations/origin");
/** A command waits this long for another one that writes. */
const BUSY_MS = 60 * SECOND_MS;

/**
 * Opens the origin's database file, brought to the present schema. It waits `busyMs` for others that write, and nothing else
 * of the process goes on meanwhile.
 */
export async function openDatabase(
  path: string,
  busyMs = BUSY_MS,
): Promise<{ database: OriginDatabase; close(): void }> {
  await mkdir(dirname(path), { recursive: true });
  const client = createClient({ url: `file:${path}`, timeout: busyMs });
  await client.execute("PRAGMA journal_mode = WAL");
  const database = drizzle(client, { schema });
  await migrate(database, { migrationsFolder: MIGRATIONS });
  return { database, close: () => client.close() };
}
