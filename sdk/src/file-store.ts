/**
 * Unsent events in a directory that several processes may share.
 *
 * Each writes a log of its own. A log whose owner is gone is renamed by the process that takes it over: a rename succeeds
 * once, so one process has it. It is copied into that process's own log and then removed; dying in between leaves it to the
 * next.
 */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { EventStore, StoredEvent } from "./event-store.ts";
import { FileLog, readFileLog } from "./file-log.ts";
import { claimToLive, codeOf, isGone, OWNER_SUFFIX, ownerPath } from "./file-owner.ts";

export interface FileStoreOptions {
  /** Made when it is not there. Queues with different endpoints or keys need different ones. */
  directory: string;
  /**
   * `true`: an event is stored once it is on the disk, and outlives a loss of power, at the price of an fsync a write.
   * `false`, the default: once the operating system has it, which outlives the process.
   */
  fsync?: boolean;
}

/** `<owner>.log`, or `<owner>~<anything>.log` while its new owner copies it. */
const LOG_NAME = /^([0-9a-f-]{36})(~.*)?\.log$/;
const ADOPT_EVERY_MS = 60_000;

/** Opens nothing yet: the first use makes the directory. */
export function fileStore({ directory, fsync = false }: FileStoreOptions): EventStore {
  const owner = randomUUID();
  const log = new FileLog(join(directory, `${owner}.log`), fsync);
  let opening: Promise<() => Promise<void>> | undefined;
  let touchFailure: unknown;
  let last: Promise<unknown> = Promise.resolve();

  /** One change of the log at a time. */
  function inTurn(change: () => Promise<void>): Promise<void> {
    const changed = last.then(change);
    last = changed.catch(() => undefined);
    return changed;
  }

  async function open() {
    await mkdir(directory, { recursive: true });
    return claimToLive(directory, owner, (cause) => {
      touchFailure = cause;
    });
  }

  async function opened(): Promise<() => Promise<void>> {
    opening ??= open().catch((cause) => {
      opening = undefined;
      throw cause;
    });
    return opening;
  }

  /** The events of a log, from now on in ours; none when another process was faster. */
  async function takeOver(name: string, gone: string): Promise<StoredEvent[]> {
    const taken = join(directory, `${owner}~${randomUUID()}.log`);
    try {
      await rename(join(directory, name), taken);
    } catch (error) {
      // EPERM, EACCES, EBUSY: Windows does not rename what a process has open, so that process lives.
      if (["ENOENT", "EPERM", "EACCES", "EBUSY"].includes(String(codeOf(error)))) return [];
      throw error;
    }
    const events = await readFileLog(taken);
    if (events.length > 0) await inTurn(() => log.append(events));
    await Promise.all([rm(taken), rm(ownerPath(directory, gone), { force: true })]);
    return events;
  }

  return {
    isPersistent: true,
    adoptEveryMs: ADOPT_EVERY_MS,
    async adopt() {
      await opened();
      if (touchFailure !== undefined) {
        const cause = touchFailure;
        touchFailure = undefined;
        throw cause;
      }
      const names = await readdir(directory);
      for (const name of names) {
        const [, other] = LOG_NAME.exec(name) ?? [];
        if (other === undefined || other === owner) continue;
        if (!(await isGone(directory, other, Date.now()))) continue;
        const events = await takeOver(name, other);
        if (events.length > 0) return events;
      }
      await removeEmptyOwners(directory, names);
      return [];
    },
    async append(events) {
      await opened();
      await inTurn(() => log.append(events));
    },
    async remove(ids) {
      await opened();
      await inTurn(() => log.remove(ids));
    },
    async close() {
      const giveUp = await opened();
      await inTurn(() => log.close());
      await giveUp();
    },
  };
}

/** Processes that were killed with nothing unsent leave a file that says they lived. */
async function removeEmptyOwners(directory: string, names: readonly string[]): Promise<void> {
  const withLog = new Set(names.map((name) => LOG_NAME.exec(name)?.[1]));
  for (const name of names.filter((each) => each.endsWith(OWNER_SUFFIX))) {
    const owner = name.slice(0, -OWNER_SUFFIX.length);
    if (!withLog.has(owner) && (await isGone(directory, owner, Date.now()))) {
      await rm(join(directory, name), { force: true });
    }
  }
}
