/** More moments than this are never remembered; then every second one is forgotten. */
const MAX_MARKS = 512;
const MARK_EVERY_MS = 1_000;

/**
 * Since when batches are stored, by the wall clock, to about a second.
 *
 * Rows do not say it, and need not: it is for people to look at. A new life of the object knows no more than that they were
 * there when it began.
 */
export class StoredSince {
  private marks: { seq: number; at: number }[] = [];

  /** Takes note that batch `seq` is stored at `wallNow`. Both only grow. */
  note(seq: number, wallNow: number): void {
    const last = this.marks.at(-1);
    if (last && wallNow - last.at < MARK_EVERY_MS) return;
    this.marks.push({ seq, at: wallNow });
    if (this.marks.length > MAX_MARKS) this.marks = this.marks.filter((_, i) => i % 2 === 0);
  }

  /** When batch `seq` was stored at the latest known moment before it; null when that is not known. */
  of(seq: number): number | null {
    return this.marks.findLast((mark) => mark.seq <= seq)?.at ?? null;
  }

  /** Batches up to `seq` will not be asked about again. */
  forgetThrough(seq: number): void {
    const kept = this.marks.findLastIndex((mark) => mark.seq <= seq + 1);
    if (kept > 0) this.marks.splice(0, kept);
  }
}
