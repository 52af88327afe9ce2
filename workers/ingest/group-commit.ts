import { ByteWriter } from "../../domain/bytes.ts";

interface Group {
  bytes: ByteWriter;
  written: PromiseWithResolvers<void>;
}

export interface GroupCommitOptions {
  /** Stores the bytes of a group; they are reused when it returns. It throws when it could not. */
  write(bytes: Uint8Array): void;
  /** Resolves when what was stored is on disk. */
  flush(): Promise<void>;
  wallNow(): number;
  /** Commits do not begin more often than this for long. */
  paceMs: number;
  /** A group takes no more once it would pass this size. */
  maxBytes: number;
}

/** Commits that may be ahead of the pace. */
const BURST = 8;

/**
 * Writes what comes at about the same time as one value: a row and a flush are paid once for all of it.
 *
 * What comes seldom is written at once, so that nobody waits for company that does not come. What comes during a flush is
 * written together after it, and what comes faster than the pace waits for its turn: many at a time share a row.
 */
export class GroupCommit {
  /** Bytes added and not yet written. */
  pendingBytes = 0;
  private readonly options: GroupCommitOptions;
  /** Oldest first; the last one takes more. */
  private groups: Group[] = [];
  private isRunning = false;
  /** A commit costs one pace of time; wall clock. */
  private paidUntil = Number.NEGATIVE_INFINITY;
  private readonly spares: ByteWriter[] = [];

  constructor(options: GroupCommitOptions) {
    this.options = options;
  }

  /** Resolves once `bytes` are on disk; rejects when the group they were in could not be written. */
  add(bytes: Uint8Array): Promise<void> {
    let group = this.groups.at(-1);
    if (!group || group.bytes.length + bytes.byteLength > this.options.maxBytes) {
      group = {
        bytes: this.spares.pop() ?? new ByteWriter(16 * 1024),
        written: Promise.withResolvers(),
      };
      group.bytes.clear();
      this.groups.push(group);
    }
    group.bytes.bytes(bytes);
    this.pendingBytes += bytes.byteLength;
    const { promise } = group.written;
    if (!this.isRunning) void this.run();
    return promise;
  }

  /** Commits until nothing waits. Never rejects: each failure is told to those it concerns. */
  private async run(): Promise<void> {
    this.isRunning = true;
    while (this.groups.length > 0) {
      const waitMs = this.turnAfterMs();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      this.paidUntil = Math.max(this.paidUntil, this.options.wallNow()) + this.options.paceMs;
      await this.commit();
    }
    this.isRunning = false;
  }

  /** How long until another commit keeps to the pace. */
  private turnAfterMs(): number {
    return this.paidUntil - BURST * this.options.paceMs - this.options.wallNow();
  }

  private async commit(): Promise<void> {
    const { groups } = this;
    this.groups = [];
    const stored: Group[] = [];
    for (const group of groups) {
      this.pendingBytes -= group.bytes.length;
      try {
        this.options.write(group.bytes.written());
        stored.push(group);
      } catch (error) {
        group.written.reject(error);
      }
      // One is enough in ordinary times; what a crowd needed goes.
      if (this.spares.length === 0) this.spares.push(group.bytes);
    }
    try {
      await this.options.flush();
      for (const { written } of stored) written.resolve();
    } catch (error) {
      for (const { written } of stored) written.reject(error);
    }
  }
}
