import { DatabaseSync } from "node:sqlite";

const SQLITE_BUSY = 5;

/**
 * Takes the data dir for this process, or returns null when another one has it.
 *
 * The lock is SQLite's on an empty database: the operating system drops it with the process, however that ends, so there
 * is no stale lock to recognise, and no process id that a reboot or a container gives to someone else.
 */
export function lockDataDir(path: string): { release(): void } | null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return null;
    throw error;
  }
  return { release: () => database.close() };
}
