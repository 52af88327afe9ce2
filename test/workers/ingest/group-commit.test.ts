import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GroupCommit } from "../../../workers/ingest/group-commit.ts";

const PACE_MS = 8;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Commits to a disk that takes `flushMs`. */
class Disk {
  readonly written: number[][] = [];
  isFull = false;
  flushFails = false;
  readonly commits: GroupCommit;

  constructor(flushMs = 1) {
    this.commits = new GroupCommit({
      write: (bytes) => {
        if (this.isFull) throw new Error("the disk is full");
        this.written.push([...bytes]);
      },
      flush: async () => {
        await new Promise((resolve) => setTimeout(resolve, flushMs));
        if (this.flushFails) throw new Error("the disk is gone");
      },
      wallNow: () => Date.now(),
      paceMs: PACE_MS,
      maxBytes: 4,
    });
  }

  add(...bytes: number[]): Promise<void> {
    return this.commits.add(Uint8Array.from(bytes));
  }
}

describe("GroupCommit", () => {
  it("writes what comes alone at once, and answers when it is on disk", async () => {
    const disk = new Disk(3);
    let answered = false;
    void disk.add(1).then(() => {
      answered = true;
    });
    expect(disk.written).toEqual([[1]]);
    await vi.advanceTimersByTimeAsync(2);
    expect(answered).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(answered).toBe(true);
  });

  it("makes no one wait who comes after the flush before, however soon", async () => {
    const disk = new Disk(1);
    for (let n = 0; n < 5; n++) {
      const adding = disk.add(n);
      await vi.advanceTimersByTimeAsync(1);
      await adding;
    }
    expect(disk.written).toEqual([[0], [1], [2], [3], [4]]);
  });

  it("writes what comes during a flush as one value, in order, and no more than fits", async () => {
    const disk = new Disk(1);
    const adding = [disk.add(0)];
    for (const bytes of [[1], [2, 3], [4], [5], [6, 7, 8, 9, 10]]) adding.push(disk.add(...bytes));
    expect(disk.commits.pendingBytes).toBe(10);
    expect(disk.written).toEqual([[0]]);
    await vi.advanceTimersByTimeAsync(2);
    await Promise.all(adding);
    expect(disk.written).toEqual([[0], [1, 2, 3, 4], [5], [6, 7, 8, 9, 10]]);
    expect(disk.commits.pendingBytes).toBe(0);
  });

  it("commits no more often than its pace while many come, and at once again after a rest", async () => {
    const disk = new Disk(1);
    const adding: Promise<void>[] = [];
    for (let ms = 0; ms < 160; ms++) {
      if (ms % 2 === 0) adding.push(disk.add(ms));
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(PACE_MS + 1);
    await Promise.all(adding);
    expect(disk.written.flat()).toEqual(Array.from({ length: 80 }, (_, n) => 2 * n));
    // Eight at once, then one every eight milliseconds.
    expect(disk.written.length).toBeLessThanOrEqual(8 + 160 / PACE_MS + 1);
    await vi.advanceTimersByTimeAsync(200);
    void disk.add(200);
    expect(disk.written.at(-1)).toEqual([200]);
  });

  it("tells those whose group failed, and no others", async () => {
    const disk = new Disk();
    const first = disk.add(0);
    disk.isFull = true;
    const failing = Promise.allSettled([disk.add(1), disk.add(2)]);
    await vi.advanceTimersByTimeAsync(2);
    await first;
    expect((await failing).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    disk.isFull = false;
    const later = disk.add(3);
    await vi.advanceTimersByTimeAsync(1);
    await later;
    expect(disk.written).toEqual([[0], [3]]);
  });

  it("answers nobody whose bytes did not reach the disk", async () => {
    const disk = new Disk();
    disk.flushFails = true;
    const failing = Promise.allSettled([disk.add(1)]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failing).toMatchObject([{ status: "rejected" }]);
  });
});
