/**
 * Session windows of hashed users, as Flink merges them.
 *
 * An event at second `s` opens [s, s + gap); windows of one user that overlap or touch are one session. A session is kept as
 * the seconds of its first and last event, and merging intervals commutes, so the order of events never matters, and sessions
 * that were gathered apart can be merged. One user may have several sessions in the table, further than the gap apart.
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { SecondCounts } from "./second-counts.ts";
import { SlotTable } from "./slot-table.ts";
import { MINUTE_MS, SECOND_MS } from "./units.ts";

/** A session ends when its user was not seen for this long. */
export const SESSION_GAP_MS = 30 * MINUTE_MS;
export const SESSION_GAP_S = SESSION_GAP_MS / SECOND_MS;

/** high, low, length and flag, last second */
const WIDTH = 4;
/** Stamp of a session that became part of another; no real second is as old. */
const MERGED = 1;
const OLDEST_SECOND = 2;
/** Set where the user has, or had, other sessions in the table; the rest of the word is the seconds from first to last. */
const SEVERAL = 1;

/** What is counted of the sessions in a table: by second, how many begin and how many have their last event there. */
export interface SessionCounts {
  begun: SecondCounts;
  lastSeen: SecondCounts;
}

export class Sessions {
  private readonly table: SlotTable;
  private readonly counts: SessionCounts | null;

  constructor(counts: SessionCounts | null = null, expected = 0) {
    this.table = new SlotTable(WIDTH, expected);
    this.counts = counts;
  }

  /** Sessions in the table, those below a floor and not yet swept among them. */
  get size(): number {
    return this.table.size;
  }

  /**
   * Adds a session of a user, or a part of one: events at the seconds `first` and `last` (the same for a single event), with no
   * gap between them. Sessions that ended before the second `floor` are kept only as long as there is room.
   */
  add(high: number, low: number, first: number, last: number, floor: number): void {
    const { table, counts } = this;
    let segment = table.segmentOf(low);
    let { words } = segment;
    let at = (low & segment.mask) * WIDTH;
    let mine = -1;
    let flag = 0;
    let from = Math.max(OLDEST_SECOND, first);
    let to = Math.max(OLDEST_SECOND, last);
    for (;;) {
      const ended = words[at + 3] as number;
      if (ended === 0) break;
      if (words[at + 1] === low && words[at] === high && ended !== MERGED) {
        const length = words[at + 2] as number;
        const began = ended - (length >>> 1);
        if (began <= from) {
          if (to <= ended) return;
          // Most events: the user's one session goes on.
          if ((length & SEVERAL) === 0 && mine < 0 && from <= ended + SESSION_GAP_S) {
            words[at + 2] = (to - began) << 1;
            words[at + 3] = to;
            counts?.lastSeen.move(ended, to);
            return;
          }
        }
        if (from <= ended + SESSION_GAP_S && began <= to + SESSION_GAP_S) {
          counts?.begun.add(began, -1);
          counts?.lastSeen.add(ended, -1);
          if (mine >= 0) words[mine + 3] = MERGED;
          mine = at;
          if (began < from) from = began;
          if (ended > to) to = ended;
        } else {
          flag = SEVERAL;
          words[at + 2] = length | SEVERAL;
        }
        flag |= length & SEVERAL;
        if (flag === 0) break;
      }
      at += WIDTH;
      if (at === words.length) at = 0;
    }
    counts?.begun.add(from, 1);
    counts?.lastSeen.add(to, 1);
    if (mine < 0) {
      if (table.isFull(segment)) {
        segment = table.roomIn(low, Math.max(floor, OLDEST_SECOND));
        words = segment.words;
        at = table.freeSlot(segment, low);
      }
      words[at] = high;
      words[at + 1] = low;
      table.added(segment);
      mine = at;
    }
    words[mine + 2] = ((to - from) << 1) | flag;
    words[mine + 3] = to;
  }

  /** Calls `visit` with each session whose last event is at or after the second `floor`, in no order. */
  forEach(
    floor: number,
    visit: (high: number, low: number, first: number, last: number) => void,
  ): void {
    this.table.forEach(Math.max(floor, OLDEST_SECOND), (words, at) => {
      const last = words[at + 3] ?? 0;
      visit(words[at] ?? 0, words[at + 1] ?? 0, last - ((words[at + 2] ?? 0) >>> 1), last);
    });
  }

  writeTo(writer: ByteWriter, floor: number): void {
    let count = 0;
    this.forEach(floor, () => count++);
    writer.u32(count);
    this.forEach(floor, (high, low, first, last) => {
      writer.u32(high);
      writer.u32(low);
      writer.u32(last);
      writer.varint(last - first);
    });
  }

  static readFrom(reader: ByteReader, counts: SessionCounts | null = null): Sessions {
    const count = reader.u32();
    const sessions = new Sessions(counts, count);
    for (let i = 0; i < count; i++) {
      const high = reader.u32();
      const low = reader.u32();
      const last = reader.u32();
      sessions.add(high, low, last - reader.varint(), last, 0);
    }
    return sessions;
  }
}

/** The second of event time an instant lies in, as sessions count them. */
export function sessionSecond(at: number): number {
  return Math.max(OLDEST_SECOND, Math.floor(at / SECOND_MS));
}
