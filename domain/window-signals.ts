/**
 * Which tumbling windows of a region are to be told, and which were.
 *
 * A window closes when the watermark passes its end, and is told then. As long as an event that is not late may still change it,
 * it is looked at again; when it changed it gets the next revision, with all its counts anew. A window in which nothing happened
 * and no session was open is not told: every quiet region would tell windows for ever.
 *
 * What is told follows from what is stored alone: a region that forgot in a crash what it had told, and looks at its windows before
 * it counts anything new, tells the same again under the same revision.
 */
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { Supply } from "./context.ts";
import type { RegionState } from "./region-state.ts";
import { SESSION_GAP_MS } from "./sessions.ts";
import { type DemandWindow, TUMBLING_WIDTHS_MS, windowsEnding } from "./tumbling.ts";
import { type EpochMs, floorTo, MINUTE_MS, QUARTER_HOUR_MS, SECOND_MS } from "./units.ts";
import { COUNTED_TYPES, type CountedType } from "./window.ts";

/** A window as it is told. */
export interface WindowSignal extends DemandWindow {
  /** 1, 2, 3, ... for each window. */
  revision: number;
  /** Sessions open at the window's end. */
  activeSessions: number;
  /** Of the 15 minutes before the window's end. */
  bookingCount15m: number;
  /** Valid at the window's end. */
  supply: Supply | null;
}

interface Known {
  signal: WindowSignal;
  /** The revision that was told last; 0 when none was. */
  toldRevision: number;
}

const NEVER = Number.NEGATIVE_INFINITY;

export class WindowSignals {
  /** By start and width. */
  private readonly known = new Map<number, Known>();
  /** The whole minute the watermark had passed when windows were last looked at. */
  private closedUpToAt = NEVER;
  /** Windows that end at or before this do not change any more. */
  private finalUpToAt = NEVER;
  private changes = 0;

  /** Goes up with each change that matters to whoever reads a copy from bytes. */
  get version(): number {
    return this.changes;
  }

  /** True when a window may have closed since the last `collect`. */
  isDue(state: RegionState, now: EpochMs): boolean {
    const closesAt = this.nextCloseAt(state);
    return closesAt !== null && closesAt <= state.watermarkAt(now);
  }

  /** True when windows must be looked at before events of `now` are counted: those may push out what is not told yet. */
  isBehind(state: RegionState, now: EpochMs): boolean {
    return now - this.closedUpToAt > state.parts.windows.reachMs / 2;
  }

  /** When the next window closes that may have to be told; null when nothing happened that is not told. */
  nextCloseAt(state: RegionState): EpochMs | null {
    const newestAt = state.parts.windows.newestAt();
    if (newestAt === null || this.closedUpToAt >= quietFrom(newestAt)) return null;
    const nextAt = Math.max(this.closedUpToAt, newestAt - state.parts.windows.reachMs) + 1;
    return ceilTo(nextAt, MINUTE_MS) as EpochMs;
  }

  /** Looks at every window that closed, or that changed after it had. `now` is the event clock; it never goes back. */
  collect(state: RegionState, now: EpochMs): void {
    const watermarkAt = floorTo(state.watermarkAt(now), MINUTE_MS);
    const { windows } = state.parts;
    const newestAt = windows.newestAt();
    if (newestAt !== null) {
      const after = Math.max(this.finalUpToAt, newestAt - windows.reachMs);
      const upTo = Math.min(watermarkAt, quietFrom(newestAt));
      for (const widthMs of TUMBLING_WIDTHS_MS) {
        for (const window of windowsEnding(windows, after, upTo, widthMs)) this.look(window, state);
      }
    }
    this.closedUpToAt = Math.max(this.closedUpToAt, watermarkAt);
    this.finalUpToAt = Math.max(
      this.finalUpToAt,
      Math.min(this.closedUpToAt, state.forgetBeforeAt(now)),
    );
    this.forgetTold();
  }

  /** What is to be told, oldest first, at most `most` of it. */
  untold(most: number): WindowSignal[] {
    return [...this.known.values()]
      .filter(({ signal, toldRevision }) => toldRevision < signal.revision)
      .map(({ signal }) => signal)
      .sort((a, b) => a.startAt + a.widthMs - b.startAt - b.widthMs || a.widthMs - b.widthMs)
      .slice(0, most);
  }

  /** Takes note that signals, as `untold` gave them, were told. */
  told(signals: readonly WindowSignal[]): void {
    for (const { startAt, widthMs, revision } of signals) {
      const known = this.known.get(keyOf(startAt, widthMs));
      if (!known || known.toldRevision >= revision) continue;
      known.toldRevision = revision;
      this.changes++;
    }
    this.forgetTold();
  }

  writeTo(writer: ByteWriter): void {
    writer.f64(this.closedUpToAt);
    writer.f64(this.finalUpToAt);
    writer.u32(this.known.size);
    for (const { signal, toldRevision } of this.known.values()) {
      writer.f64(signal.startAt);
      writer.u32(signal.widthMs);
      writer.varint(signal.revision);
      writer.varint(toldRevision);
      for (const type of COUNTED_TYPES) writer.varint(signal.counts[type]);
      writer.varint(signal.activeSessions);
      writer.varint(signal.bookingCount15m);
      writer.f64(signal.supply?.available ?? Number.NaN);
      writer.f64(signal.supply?.busy ?? Number.NaN);
    }
  }

  static readFrom(reader: ByteReader): WindowSignals {
    const signals = new WindowSignals();
    signals.closedUpToAt = reader.f64();
    signals.finalUpToAt = reader.f64();
    const count = reader.u32();
    for (let i = 0; i < count; i++) {
      const startAt = reader.f64() as EpochMs;
      const widthMs = reader.u32();
      const revision = reader.varint();
      const toldRevision = reader.varint();
      const counts = Object.fromEntries(COUNTED_TYPES.map((type) => [type, reader.varint()]));
      const activeSessions = reader.varint();
      const bookingCount15m = reader.varint();
      const available = reader.f64();
      const busy = reader.f64();
      const signal: WindowSignal = {
        ...{ startAt, widthMs, revision, activeSessions, bookingCount15m },
        counts: counts as Record<CountedType, number>,
        supply: Number.isNaN(available) ? null : { available, busy },
      };
      signals.known.set(keyOf(startAt, widthMs), { signal, toldRevision });
    }
    return signals;
  }

  private look(window: DemandWindow, state: RegionState): void {
    const key = keyOf(window.startAt, window.widthMs);
    const known = this.known.get(key);
    const present = signalOf(window, state, 1);
    if (!known) {
      if (!happened(present)) return;
      this.known.set(key, { signal: present, toldRevision: 0 });
    } else if (isSame(known.signal, present)) {
      return;
    } else {
      // Whether or not it was told: an answer may have been lost, and a revision means one content.
      known.signal = { ...present, revision: known.signal.revision + 1 };
    }
    this.changes++;
  }

  private forgetTold(): void {
    for (const [key, { signal, toldRevision }] of this.known) {
      const isFinal = signal.startAt + signal.widthMs <= this.finalUpToAt;
      if (isFinal && toldRevision === signal.revision) this.known.delete(key);
    }
  }
}

function signalOf(window: DemandWindow, state: RegionState, revision: number): WindowSignal {
  const { windows, users, readings } = state.parts;
  const endAt = (window.startAt + window.widthMs) as EpochMs;
  return {
    ...window,
    revision,
    activeSessions: users.countAtEnd(endAt),
    bookingCount15m: windows.between("booking", endAt - QUARTER_HOUR_MS, endAt),
    supply: readings.supplyAtEnd(endAt),
  };
}

function happened({ counts, activeSessions }: WindowSignal): boolean {
  return activeSessions > 0 || COUNTED_TYPES.some((type) => counts[type] > 0);
}

function isSame(a: WindowSignal, b: WindowSignal): boolean {
  return (
    COUNTED_TYPES.every((type) => a.counts[type] === b.counts[type]) &&
    a.activeSessions === b.activeSessions &&
    a.bookingCount15m === b.bookingCount15m &&
    a.supply?.available === b.supply?.available &&
    a.supply?.busy === b.supply?.busy
  );
}

/** Windows that end after this hold neither an event nor an open session. */
function quietFrom(newestAt: number): number {
  return ceilTo(newestAt + SESSION_GAP_MS + 1, LONGEST_MS);
}

function ceilTo(at: number, widthMs: number): number {
  return Math.ceil(at / widthMs) * widthMs;
}

/** Widths are far below a minute in seconds, so starts and widths make different sums. */
function keyOf(startAt: number, widthMs: number): number {
  return startAt + widthMs / SECOND_MS;
}

const LONGEST_MS = Math.max(...TUMBLING_WIDTHS_MS);
