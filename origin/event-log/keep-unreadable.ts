import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UNREADABLE_FOLDER } from "./bronze-folder.ts";
import type { BronzeStore } from "./bronze-sink.ts";
import { publishFile, unfinishedPath } from "./durable-file.ts";

/** Puts bytes that are no segment where an operator finds them. */
export async function keepUnreadable(
  { folder }: Pick<BronzeStore, "folder">,
  writer: string,
  sequence: number,
  bytes: Uint8Array,
): Promise<void> {
  const path = join(folder, UNREADABLE_FOLDER, `${writer}-${sequence}.segment`);
  await mkdir(dirname(path), { recursive: true });
  const unfinished = unfinishedPath(path, process.pid);
  await writeFile(unfinished, bytes);
  await publishFile(unfinished, path);
}
