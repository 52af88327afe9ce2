import { readFile, rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { type EpochMs, epochMs } from "../../domain/units.ts";

/** How far the feed has come; a restart carries on from here. */
export interface FeedCursor {
  /** Where the feed once began. */
  readonly startAt: EpochMs;
  /** Everything that happened before this instant was sent. */
  readonly nextAt: EpochMs;
}

const instant = z.int().transform((value) => epochMs(value));
const cursorSchema = z.object({ startAt: instant, nextAt: instant });

/** The saved cursor, or null when the feed never ran here. Throws on a file that is not one. */
export async function loadCursor(path: string): Promise<FeedCursor | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  try {
    return cursorSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path} does not hold a feed cursor; without the file the feed starts over`, {
      cause,
    });
  }
}

/** Replaces the saved cursor; a crash midway leaves the old one. */
export async function saveCursor(path: string, cursor: FeedCursor): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(cursor));
  await rename(`${path}.new`, path);
}
