/**
 * Who of the processes that share a directory is alive.
 *
 * Each has a file `<owner>.owner` with its process id and host, and touches it every 10 s. It is gone when its process is (asked
 * where that can be: on the same host, another process id than ours), or when the file was not touched for a minute:
 * containers and threads share process ids, and directories travel between hosts.
 */
import { readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

const TOUCH_EVERY_MS = 10_000;
const GONE_AFTER_MS = 60_000;

export const OWNER_SUFFIX = ".owner";

export function ownerPath(directory: string, owner: string): string {
  return join(directory, `${owner}${OWNER_SUFFIX}`);
}

/** Claims to be alive from now on; the answer ends the claim. */
export async function claimToLive(
  directory: string,
  owner: string,
  onFailure: (cause: unknown) => void,
): Promise<() => Promise<void>> {
  const path = ownerPath(directory, owner);
  const write = () => writeFile(path, JSON.stringify({ pid: process.pid, host: hostname() }));
  await write();
  const touch = async () => {
    const now = new Date();
    // Whoever took us for gone has removed it: it is written anew.
    await utimes(path, now, now).catch(write);
  };
  const timer = setInterval(() => void touch().catch(onFailure), TOUCH_EVERY_MS);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await rm(path, { force: true });
  };
}

/** True when the owner does not live any more, as far as can be told. */
export async function isGone(directory: string, owner: string, now: number): Promise<boolean> {
  const path = ownerPath(directory, owner);
  try {
    const { mtimeMs } = await stat(path);
    if (now - mtimeMs > GONE_AFTER_MS) return true;
    const { pid, host }: { pid?: unknown; host?: unknown } = JSON.parse(
      await readFile(path, "utf8"),
    );
    return host === hostname() && typeof pid === "number" && pid !== process.pid && !isRunning(pid);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return true;
    // Half written: its process is just starting, or died then, which its age will tell.
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    // Signal 0 asks only.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and is somebody else's.
    return codeOf(error) !== "ESRCH";
  }
}

/** The code of an error of the file system, such as ENOENT. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
