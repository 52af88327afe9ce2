import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchPacker } from "../../../contract/event-batch.ts";
import type { EpochMs, RegionId } from "../../../domain/units.ts";
import { type AcceptanceRules, acceptEvents } from "../../../workers/ingest/accept-events.ts";
import { json } from "../../../workers/ingest/formats/json.ts";
import { idHashesFrom } from "../../../workers/ingest/id-hashes.ts";
import { OrdinaryBodies } from "../../../workers/ingest/ordinary-bodies.ts";
import { eventsOf } from "./stored-events.ts";

const NOW = Date.parse("2026-01-11T12:00:00Z") as EpochMs;

/** Every third user is over a limit. */
const rules: AcceptanceRules = {
  regions: new Set(["nyc-161", "nyc-4", "a"] as RegionId[]),
  now: NOW,
  clockClampMs: 300_000,
  hashes: idHashesFrom("secret"),
  refuse: ({ userLow }) =>
    userLow % 3 === 2 ? { type: "rate_limited", detail: "Too many for this user." } : null,
};
const bodies = new OrdinaryBodies();

/** What a way made of a body: its verdicts, and the bytes it would store. */
type Result = {
  accepted: number;
  clamped: number;
  rejected: unknown;
  isSingle: boolean;
  batch: Uint8Array;
};

function shortWay(body: Uint8Array): Result | null {
  const packer = new BatchPacker();
  const acceptance = bodies.accept(body, rules, packer);
  return acceptance && { ...acceptance, batch: packer.finish(NOW) };
}

function longWay(body: Uint8Array): Result | "problem" {
  const packer = new BatchPacker();
  const candidates = json.read(body);
  if ("type" in candidates) return "problem";
  return { ...acceptEvents(candidates, rules, packer), batch: packer.finish(NOW) };
}

const encoded = (text: string) => new TextEncoder().encode(text);

/** Text of JSON for a text, as some writers have it: with escapes that nobody needs. */
const written = (text: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 20, arbitrary: text.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: text.map((value) => `"\\u0061${JSON.stringify(value).slice(1)}`) },
    { weight: 1, arbitrary: fc.constantFrom("null", "1", "{}", '"', '"\\"', "tru", '"\u0001"') },
  );
const often = <T>(usual: fc.Arbitrary<T>, unusual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: unusual });

const name = fc.oneof(
  fc.constantFrom("source", "n", "a1", "__proto__", "1", "10", "toString", "é", "_x"),
  fc.string({ maxLength: 5 }),
);
const number = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc
    .tuple(fc.integer({ min: -999, max: 999 }), fc.stringMatching(/^[0-9]{1,8}$/))
    .map(([whole, decimals]) => `${whole}.${decimals}`),
  fc.constantFrom(
    "-0",
    "0",
    "00",
    "01",
    "1e3",
    "1E400",
    "-0.5",
    "1.0",
    "1.50",
    "-",
    "0.",
    ".5",
    "1234567890123456789",
    "0.000001",
    "0.0000001",
  ),
);
const value: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 8 }).map((text) => JSON.stringify(text)),
  number,
  fc.constantFrom("true", "false", "null", "[]", "{}", '{"a":[1]}', "truex", '"\\n"', '"é"'),
);
const space = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  { weight: 1, arbitrary: fc.constantFrom(" ", "\n\t ", "\r") },
);
const metadata = fc
  .tuple(fc.array(fc.tuple(name, value, space, space), { maxLength: 6 }), space)
  .map(
    ([fields, gap]) =>
      `{${gap}${fields.map(([key, text, a, b]) => `${JSON.stringify(key)}${a}:${b}${text}`).join(`${gap},`)}${gap}}`,
  );

const time = fc.oneof(
  fc.integer({ min: -86_400_000, max: 200_000 }).map((ms) => new Date(NOW + ms).toISOString()),
  fc
    .integer({ min: -86_400, max: 400 })
    .map((s) => `${new Date(NOW + s * 1_000).toISOString().slice(0, 19)}Z`),
  fc.constantFrom(
    "2026-02-30T00:00:00Z",
    "2024-02-29T23:59:59.999Z",
    "2026-01-11T24:00:00Z",
    "2026-01-11T10:30:00+01:00",
    "1969-12-31T23:59:59Z",
    "2026-01-11 10:30:00Z",
    "2026-01-11T10:30:60Z",
    "202ä-01-11T10:30:00Z",
  ),
);
const required: [string, fc.Arbitrary<string>][] = [
  [
    "event_type",
    written(
      often(
        fc.constantFrom("search", "view", "booking", "cancellation"),
        fc.constantFrom("sale", "holiday", "Booking", ""),
      ),
    ),
  ],
  [
    "region_id",
    written(often(fc.constantFrom("nyc-161", "nyc-4", "a"), fc.constantFrom("nyc-5", "", "A"))),
  ],
  ["timestamp", written(time)],
  [
    "idempotency_key",
    written(often(fc.stringMatching(/^[a-zA-Z0-9_ .:-]{1,40}$/), fc.string({ maxLength: 140 }))),
  ],
];
const optional: [string, fc.Arbitrary<string>][] = [
  [
    "user_id",
    written(often(fc.stringMatching(/^user-[0-9]{1,5}$/), fc.string({ maxLength: 140 }))),
  ],
  [
    "product_type",
    written(
      often(
        fc.constantFrom("standard_ride", "premium_ride", "a_1"),
        fc.stringMatching(/^[a-zA-Z0-9_-]{0,66}$/),
      ),
    ),
  ],
  ["quantity", often(fc.integer({ min: 1, max: 1_000_001 }).map(String), fc.oneof(number, value))],
  ["metadata", often(metadata, value)],
];
/** Most fields there and once, in any order; sometimes one is missing, there twice, or one too many. */
const event = fc
  .record({
    fields: fc.tuple(
      ...required.map(([key, text]) => fc.tuple(fc.constant(key), text)),
      ...optional.map(([key, text]) => fc.option(fc.tuple(fc.constant(key), text), { nil: null })),
    ),
    extra: fc.option(
      fc.tuple(fc.constantFrom("colour", "event_type", "quantity", "metadatA", "events"), value),
      { nil: null, freq: 12 },
    ),
    left: fc.option(fc.nat(7), { nil: null, freq: 12 }),
    order: fc.array(fc.nat(100), { minLength: 9, maxLength: 9 }),
    gap: space,
  })
  .map(({ fields, extra, left, order, gap }) => {
    const pairs = [...fields.filter((_, i) => i !== left), extra].flatMap((pair, i) =>
      pair ? [{ pair, at: order[i] ?? 0 }] : [],
    );
    pairs.sort((a, b) => a.at - b.at);
    return `{${pairs.map(({ pair: [key, text] }) => `${gap}"${key}"${gap}:${gap}${text}`).join(",")}${gap}}`;
  });
const element = fc.oneof(
  { weight: 30, arbitrary: event },
  { weight: 1, arbitrary: fc.constantFrom("5", "null", "[]", '"x"', "", "{", "{}", '{"a":"}"}') },
);
const list = fc
  .tuple(fc.array(element, { maxLength: 6 }), space)
  .map(([events, gap]) => `[${events.join(`${gap},${gap}`)}]`);
const body = fc.oneof(
  { weight: 4, arbitrary: list.map((events) => `{"events":${events}}`) },
  { weight: 4, arbitrary: list },
  { weight: 3, arbitrary: event },
  {
    weight: 1,
    arbitrary: fc
      .tuple(list, space)
      .map(([events, gap]) => `${gap}{ "events" ${gap}: ${events} } `),
  },
  { weight: 1, arbitrary: list.map((events) => `{"events":${events},"events":[]}`) },
  { weight: 1, arbitrary: list.map((events) => `${events}]`) },
  {
    weight: 1,
    arbitrary: fc.tuple(list, fc.nat(400)).map(([events, end]) => events.slice(0, end)),
  },
);

describe("OrdinaryBodies", () => {
  it("makes of every body what JSON.parse and the schema make of it, or leaves it to them", () => {
    let short = 0;
    let withRejected = 0;
    fc.assert(
      fc.property(body, (text) => {
        const bytes = encoded(text);
        const result = shortWay(bytes);
        if (!result) return;
        short++;
        if (result.accepted > 0 && Array.isArray(result.rejected) && result.rejected.length > 0)
          withRejected++;
        expect(result).toEqual(longWay(bytes));
      }),
      { numRuns: 8_000 },
    );
    // Otherwise the property holds for nothing.
    expect(short).toBeGreaterThan(1_000);
    expect(withRejected).toBeGreaterThan(100);
  });

  it("reads events of clients in one way, whatever bytes are changed", () => {
    const sent = encoded(
      JSON.stringify({
        events: [ORDINARY, { ...ORDINARY, idempotency_key: "b-2", metadata: { a: 1.5, b: "x" } }],
      }),
    );
    const change = fc.tuple(
      fc.nat(sent.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(...encoded('"\\{}[]:,0 '))),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = sent.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        const result = shortWay(bytes);
        if (result) expect(result).toEqual(longWay(bytes));
      }),
      { numRuns: 8_000 },
    );
  });

  it("takes what clients ordinarily send without falling back", () => {
    const events = Array.from({ length: 500 }, (_, i) => ({
      ...ORDINARY,
      idempotency_key: `b-${i}`,
      user_id: `u-${i}`,
    }));
    const texts = [
      JSON.stringify({ events }),
      JSON.stringify(events),
      JSON.stringify(events, null, 2),
      JSON.stringify(ORDINARY),
    ];
    for (const text of texts) {
      const result = shortWay(encoded(text));
      expect(result).toEqual(longWay(encoded(text)));
      expect(result?.accepted).toBe(eventsOf(result?.batch ?? new Uint8Array()).length);
    }
  });

  it("leaves 501 events to the long way, which refuses them", () => {
    const text = JSON.stringify(Array.from({ length: 501 }, () => ORDINARY));
    expect(shortWay(encoded(text))).toBeNull();
    expect(longWay(encoded(text))).toBe("problem");
  });
});

const ORDINARY = {
  event_type: "booking",
  region_id: "nyc-161",
  timestamp: "2026-01-11T10:30:00.123Z",
  idempotency_key: "b-1029",
  user_id: "user-00042",
  product_type: "standard_ride",
  quantity: 1,
  metadata: { source: "app" },
};
