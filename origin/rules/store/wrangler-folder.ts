/**
 * Where bare wrangler finds the local stack's KV.
 *
 * Wrangler keeps local KV under `v3` in the folder it is given, and the stack keeps its own in `<data-dir>/edge`: a link leads from the
 * one to the other. The store is SQLite, so both may have it open, and a running stack sees what was put.
 */
import { mkdir, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Makes the link where it is not there. Returns what `wrangler --persist-to` takes: `<data-dir>/wrangler`. */
export async function wranglerFolder(dataDir: string): Promise<string> {
  const folder = join(resolve(dataDir), "wrangler");
  await mkdir(folder, { recursive: true });
  await mkdir(join(resolve(dataDir), "edge"), { recursive: true });
  try {
    await symlink("../edge", join(folder, "v3"), "dir");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return folder;
}
