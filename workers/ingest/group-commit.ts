import { ByteWriter } from "../../domain/bytes.ts";

interface Group {
  bytes: ByteWriter;
  written: Promise<void>;
}

export interface GroupCommitOptions {
  /** Stores the bytes of a group; they are reused when it returns. It throws when it could not. */
  write(bytes: Uint8Array): void;
  /** What comes within this time of the first is written with it. */
  afterMs: number;
  /** A group takes no more once it would pass this size. */
  maxBytes: number;
}

/** Writes what comes at about the same time as one value: a row and a flush are paid once for all of it. */
export class GroupCommit {
  /** Bytes added and not yet written. */
  pendingBytes = 0;
  private readonly options: GroupCommitOptions;
  private open: Group | null = null;
  private spare: ByteWriter | null = null;

  constructor(options: GroupCommitOptions) {
    this.options = options;
  }

  /** Resolves once `bytes` are written; rejects when the group they were in could not be. */
  add(bytes: Uint8Array): Promise<void> {
    let group = this.open;
    if (!group || group.bytes.length + bytes.byteLength > this.options.maxBytes) {
      group = this.begin();
    }
    group.bytes.bytes(bytes);
    this.pendingBytes += bytes.byteLength;
    return group.written;
  }

  private begin(): Group {
    const bytes = this.spare ?? new ByteWriter(16 * 1024);
    this.spare = null;
    bytes.clear();
    const written = new Promise<void>((resolve, reject) => {
      setTimeout(() => {
        if (this.open === group) this.open = null;
        this.pendingBytes -= bytes.length;
        try {
          this.options.write(bytes.written());
          resolve();
        } catch (error) {
          reject(error);
        }
        this.spare = bytes;
      }, this.options.afterMs);
    });
    const group = { bytes, written };
    this.open = group;
    return group;
  }
}
