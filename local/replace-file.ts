import { rename, writeFile } from "node:fs/promises";

/** Replaces a file's text in one step, on disk before it returns: a crash leaves the old text or the new one. */
export async function replaceFile(path: string, text: string, mode = 0o644): Promise<void> {
  await writeFile(`${path}.new`, text, { mode, flush: true });
  await rename(`${path}.new`, path);
}

/** True for the error that reading a file which is not there gives. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
