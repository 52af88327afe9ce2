import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** What a file is called while it is written: no reader takes it for one of its own. */
export function unfinishedPath(path: string, processId: number): string {
  return `${path}.${processId}.part`;
}

/** Gives a finished file its name, at once and for good: after a power cut it is there whole, or not at all. */
export async function publishFile(unfinished: string, path: string): Promise<void> {
  await synced(unfinished);
  await rename(unfinished, path);
  await synced(dirname(path));
}

async function synced(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
