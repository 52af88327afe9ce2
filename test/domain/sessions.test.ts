import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ActiveUsers } from "../../domain/active-users.ts";
import { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import { SESSION_GAP_S, Sessions } from "../../domain/sessions.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { mixed } from "../support/region-deliveries.ts";
import { shuffled } from "../support/shuffle.ts";

const S0 = Date.UTC(2026, 0, 11, 10, 30) / SECOND_MS;

interface Seen {
  user: number;
  second: number;
}

/** Few users over three hours, many of them just about a gap apart. */
const seen = fc.record<Seen>({
  user: fc.nat({ max: 4 }),
  second: fc.oneof(
    fc.nat({ max: 3 * 3_600 }),
    fc
      .tuple(fc.nat({ max: 5 }), fc.integer({ min: -2, max: 2 }))
      .map(([gaps, off]) => Math.max(0, gaps * SESSION_GAP_S + off)),
  ),
});
const someSeen = fc.array(seen, { maxLength: 60 });

/** Sorted by time and walked once: a session ends where the next event is more than the gap away. */
function oracle(events: readonly Seen[]): string[] {
  const sessions: string[] = [];
  for (const user of new Set(events.map((event) => event.user))) {
    const seconds = events.filter((event) => event.user === user).map(({ second }) => second);
    seconds.sort((a, b) => a - b);
    let first = seconds[0] ?? 0;
    let last = first;
    for (const second of seconds) {
      if (second - last > SESSION_GAP_S) {
        sessions.push(`${user}:${first}-${last}`);
        first = second;
      }
      last = second;
    }
    sessions.push(`${user}:${first}-${last}`);
  }
  return sessions.sort();
}

const sessionsOf = (sessions: Sessions): string[] => {
  const found: string[] = [];
  sessions.forEach(0, (high, _, first, last) => {
    found.push(`${high}:${first - S0}-${last - S0}`);
  });
  return found.sort();
};

function gathered(events: readonly Seen[]): Sessions {
  const sessions = new Sessions();
  for (const { user, second } of events) {
    // Two users share the low half of their hash, so they lie in one run of slots.
    sessions.add(user, mixed(user >> 1), S0 + second, S0 + second, 0);
  }
  return sessions;
}

function reread(sessions: Sessions): Sessions {
  const writer = new ByteWriter();
  sessions.writeTo(writer, 0);
  return Sessions.readFrom(new ByteReader(writer.copy()));
}

describe("sessions", () => {
  it("are those of a batch job, whatever the order, the repeats and the restarts", () => {
    fc.assert(
      fc.property(someSeen, fc.nat(), fc.nat({ max: 60 }), (events, seed, cut) => {
        const expected = oracle(events);
        expect(sessionsOf(gathered(events))).toEqual(expected);
        const mixedUp = shuffled([...events, ...events], seed);
        expect(sessionsOf(gathered(mixedUp))).toEqual(expected);
        const restarted = reread(gathered(mixedUp.slice(0, cut)));
        for (const { user, second } of mixedUp.slice(cut)) {
          restarted.add(user, mixed(user >> 1), S0 + second, S0 + second, 0);
        }
        expect(sessionsOf(reread(restarted))).toEqual(expected);
      }),
    );
  });

  it("that were gathered apart merge into those gathered together", () => {
    fc.assert(
      fc.property(someSeen, someSeen, (some, others) => {
        const total = gathered(some);
        gathered(others).forEach(0, (high, low, first, last) =>
          total.add(high, low, first, last, 0),
        );
        expect(sessionsOf(total)).toEqual(oracle([...some, ...others]));
      }),
    );
  });

  it("are kept in memory that is bounded by those that can still grow", () => {
    const sessions = new Sessions();
    for (let minute = 0; minute < 300; minute++) {
      for (let n = 0; n < 500; n++) {
        const second = S0 + minute * 60;
        sessions.add(mixed(minute), mixed(minute * 500 + n), second, second, second - 3_600);
      }
    }
    expect(sessions.size).toBeLessThan(60 * 500 * 2.5);
  });
});

describe("active users at a window's end", () => {
  it("are the users with an event in the half hour before it, however old the end and however late the event", () => {
    const within = fc.array(
      fc.record<Seen>({ user: fc.nat({ max: 6 }), second: fc.nat({ max: 50 * 60 }) }),
      { maxLength: 60 },
    );
    const ends = fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(within, fc.nat(), ends, fc.boolean(), (events, seed, minutes, reload) => {
        let users = new ActiveUsers(30 * MINUTE_MS);
        for (const { user, second } of shuffled(events, seed)) {
          users.see(mixed(user), mixed(user + 9), (S0 + second) * SECOND_MS, S0 * SECOND_MS);
        }
        if (reload) {
          const writer = new ByteWriter();
          users.writeTo(writer, S0 * SECOND_MS);
          users = ActiveUsers.readFrom(new ByteReader(writer.copy()), 30 * MINUTE_MS);
        }
        for (const minute of minutes) {
          const end = minute * 60;
          const active = events.filter(
            ({ second }) => second < end && second >= end - SESSION_GAP_S,
          );
          expect(users.countAtEnd((S0 + end) * SECOND_MS)).toBe(
            new Set(active.map(({ user }) => user)).size,
          );
        }
      }),
      { numRuns: 300 },
    );
  });
});
