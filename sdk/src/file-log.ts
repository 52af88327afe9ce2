/**
 * A file of unsent events to which changes are appended, and which is written anew when most of it is past.
 *
 * A line `+[id, trackedAt, text]` adds an event, `-id` takes one out. A line without its end was never promised to anyone
 * and does not count.
 */
import { type FileHandle, open, readFile, rename, rm, stat } from "node:fs/promises";
import type { StoredEvent } from "./event-store.ts";

/** The file is written anew once it holds this many bytes more than what it keeps. */
const SLACK_BYTES = 1024 * 1024;

export class FileLog {
  readonly #path: string;
  readonly #syncs: boolean;
  readonly #lines = new Map<string, string>();
  #keptBytes = 0;
  #fileBytes = 0;
  #file: FileHandle | undefined;

  /** `syncs`: each write reaches the disk before it resolves, and outlives a loss of power. */
  constructor(path: string, syncs: boolean) {
    this.#path = path;
    this.#syncs = syncs;
  }

  get size(): number {
    return this.#lines.size;
  }

  async append(events: readonly StoredEvent[]): Promise<void> {
    const lines = events.map((event) => [event.id, lineOf(event)] as const);
    for (const [id, line] of lines) {
      this.#forget(id);
      this.#lines.set(id, line);
      this.#keptBytes += Buffer.byteLength(line);
    }
    await this.#write(lines.map(([, line]) => line).join(""));
  }

  async remove(ids: readonly string[]): Promise<void> {
    const known = ids.filter((id) => this.#forget(id));
    if (known.length > 0) await this.#write(known.map((id) => `-${id}\n`).join(""));
  }

  /** Closes the file, and removes it when nothing is kept in it. */
  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
    if (this.size === 0) await rm(this.#path, { force: true });
  }

  #forget(id: string): boolean {
    const line = this.#lines.get(id);
    if (line === undefined) return false;
    this.#keptBytes -= Buffer.byteLength(line);
    return this.#lines.delete(id);
  }

  async #write(text: string): Promise<void> {
    const isLoose = this.#fileBytes > 2 * this.#keptBytes + SLACK_BYTES;
    if (!this.#file || isLoose) return this.#writeAnew();
    try {
      await this.#put(this.#file, text);
    } catch (error) {
      // Half a line may be in it, which the next must not be written behind.
      await this.#file.close();
      this.#file = undefined;
      throw error;
    }
    // Somebody took us for gone (a laptop slept), and our file: what it held is theirs too now, and both may send it.
    if (!(await this.#isOurs(this.#file))) await this.#writeAnew();
  }

  async #put(file: FileHandle, text: string): Promise<void> {
    await file.appendFile(text);
    this.#fileBytes += Buffer.byteLength(text);
    if (this.#syncs) await file.datasync();
  }

  /** Everything that is kept, in a file of its own that takes the old one's place at once. */
  async #writeAnew(): Promise<void> {
    const path = `${this.#path}.new`;
    const file = await open(path, "w", 0o600);
    this.#fileBytes = 0;
    try {
      await this.#put(file, [...this.#lines.values()].join(""));
      await rename(path, this.#path);
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#file?.close();
    this.#file = file;
  }

  async #isOurs(file: FileHandle): Promise<boolean> {
    const [ours, there] = await Promise.all([file.stat(), stat(this.#path).catch(() => null)]);
    return there !== null && there.ino === ours.ino;
  }
}

/** The events a log holds, in the order they came. */
export async function readFileLog(path: string): Promise<StoredEvent[]> {
  const events = new Map<string, StoredEvent>();
  const lines = (await readFile(path, "utf8")).split("\n");
  // What follows the last line break is empty, or was cut off.
  for (const line of lines.slice(0, -1)) {
    if (line.startsWith("-")) events.delete(line.slice(1));
    else {
      const event = parseLine(line);
      if (event) events.set(event.id, event);
    }
  }
  return [...events.values()];
}

function lineOf({ id, trackedAt, text }: StoredEvent): string {
  return `+${JSON.stringify([id, trackedAt, text])}\n`;
}

/** Null for a line that a failing disk has spoilt; the others are still good. */
function parseLine(line: string): StoredEvent | null {
  try {
    const [id, trackedAt, text]: unknown[] = JSON.parse(line.slice(1));
    const isEvent =
      typeof id === "string" && typeof trackedAt === "number" && typeof text === "string";
    return isEvent ? { id, trackedAt, text } : null;
  } catch {
    return null;
  }
}
