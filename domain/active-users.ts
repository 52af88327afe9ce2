import type { ByteReader, ByteWriter } from "./bytes.ts";
import { KeyTable } from "./key-table.ts";
import { SecondCounts } from "./second-counts.ts";
import { SESSION_GAP_MS, SESSION_GAP_S, Sessions, sessionSecond } from "./sessions.ts";
import { SECOND_MS } from "./units.ts";
import { DEFAULT_REACH_MS, RING_MARGIN_MS } from "./window.ts";

/**
 * Sessions of one region's hashed users, and how many were open at any instant of the last while.
 *
 * Beside the sessions it keeps by second how many began and how many have their last event there, so that counting the open
 * ones costs a sum over a ring and not a walk over the users.
 */
export class ActiveUsers {
  private readonly sessions: Sessions;
  private readonly begun: SecondCounts;
  private readonly lastSeen: SecondCounts;

  /** `reachMs` is how far back windows are told; sessions are known as much further as one can stay silent. */
  constructor(reachMs: number = DEFAULT_REACH_MS, reader?: ByteReader) {
    const seconds = Math.ceil((reachMs + RING_MARGIN_MS + SESSION_GAP_MS) / SECOND_MS);
    this.begun = new SecondCounts(seconds);
    this.lastSeen = new SecondCounts(seconds);
    const counts = { begun: this.begun, lastSeen: this.lastSeen };
    this.sessions = reader ? Sessions.readFrom(reader, counts) : new Sessions(counts);
  }

  /** Notes a user at `occurredAt`; no event from before `forgetBeforeAt` comes any more. */
  see(userHigh: number, userLow: number, occurredAt: number, forgetBeforeAt: number): void {
    const second = sessionSecond(occurredAt);
    this.sessions.add(userHigh, userLow, second, second, floorOf(forgetBeforeAt));
  }

  /** Adds the sessions of `other`, or parts of sessions, that were gathered apart. */
  addAll(other: ActiveUsers, forgetBeforeAt: number): void {
    const floor = floorOf(forgetBeforeAt);
    other.sessions.forEach(0, (high, low, first, last) => {
      this.sessions.add(high, low, first, last, floor);
    });
  }

  /** Sessions that are open at `asOf`; one that a fast clock put ahead counts as being here now. */
  countAt(asOf: number): number {
    return this.lastSeen.from(sessionSecond(asOf - SESSION_GAP_MS) + 1);
  }

  /** Sessions that are open at the end of a window: those with an event in [endAt - gap, endAt). `endAt` is a whole second. */
  countAtEnd(endAt: number): number {
    const second = sessionSecond(endAt);
    return this.lastSeen.from(second - SESSION_GAP_S) - this.begun.from(second);
  }

  /** Appends what can still matter when no event from before `forgetBeforeAt` comes any more. */
  writeTo(writer: ByteWriter, forgetBeforeAt: number): void {
    this.sessions.writeTo(writer, floorOf(forgetBeforeAt));
  }

  static readFrom(reader: ByteReader, reachMs?: number): ActiveUsers {
    return new ActiveUsers(reachMs, reader);
  }

  /** Reads what earlier versions kept: when each user was last seen, and nothing of when their sessions began. */
  static readLastSeenFrom(reader: ByteReader, reachMs?: number): ActiveUsers {
    const users = new ActiveUsers(reachMs);
    KeyTable.readFrom(reader).forEach(0, (high, low, second) => {
      users.sessions.add(high, low, second, second, 0);
    });
    return users;
  }
}

/** A session that ended before this second cannot grow any more, and no window that is told counts it. */
function floorOf(forgetBeforeAt: number): number {
  return sessionSecond(forgetBeforeAt) - SESSION_GAP_S;
}
