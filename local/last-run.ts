/** What a data dir remembers of its last run: whether it ended well. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { isMissing, replaceFile } from "./replace-file.ts";

const runSchema = z.object({
  /** Pricing's. */
  port: z.int(),
  ended_well: z.boolean(),
});
export type LastRun = z.infer<typeof runSchema>;

export async function loadLastRun(path: string): Promise<LastRun | null> {
  try {
    return runSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export async function saveRun(path: string, run: LastRun): Promise<void> {
  await replaceFile(path, `${JSON.stringify(run)}\n`);
}
