import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GroupCommit } from "../../../workers/ingest/group-commit.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function commitsTo(written: number[][], fails: () => boolean = () => false) {
  return new GroupCommit({
    write: (bytes) => {
      if (fails()) throw new Error("the disk is full");
      written.push([...bytes]);
    },
    afterMs: 2,
    maxBytes: 4,
  });
}

describe("GroupCommit", () => {
  it("writes what comes together as one value, in order, and no more than fits", async () => {
    const written: number[][] = [];
    const commits = commitsTo(written);
    const adding = Promise.all(
      [[1], [2, 3], [4], [5], [6, 7, 8, 9, 10]].map((bytes) => commits.add(Uint8Array.from(bytes))),
    );
    expect(commits.pendingBytes).toBe(10);
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    await adding;
    expect(written).toEqual([[1, 2, 3, 4], [5], [6, 7, 8, 9, 10]]);
    expect(commits.pendingBytes).toBe(0);
  });

  it("tells those whose group failed, and no others", async () => {
    const written: number[][] = [];
    let isFull = true;
    const commits = commitsTo(written, () => isFull);
    const failing = Promise.allSettled([
      commits.add(Uint8Array.of(1)),
      commits.add(Uint8Array.of(2)),
    ]);
    await vi.advanceTimersByTimeAsync(2);
    expect((await failing).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isFull = false;
    const later = commits.add(Uint8Array.of(3));
    await vi.advanceTimersByTimeAsync(2);
    await later;
    expect(written).toEqual([[3]]);
  });
});
