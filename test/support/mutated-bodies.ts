/** Bodies that clients never meant to send: right ones changed in every way that comes to mind, and noise. Seeded. */
import { deflateSync, gzipSync } from "node:zlib";
import { BODY_MAKERS, type EventBody, type SentEvent } from "./event-bodies.ts";

/** The next number below `bound`, whole and not negative. */
type Draw = (bound: number) => number;
type Mutation = (
  body: EventBody,
  draw: Draw,
  events: readonly [SentEvent, ...SentEvent[]],
) => EventBody;

/** mulberry32 (Tommy Ettinger): small, and the same everywhere. */
function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
}

function pick<T>(draw: Draw, list: readonly T[]): T {
  const item = list[draw(list.length)];
  if (item === undefined) throw new RangeError("there is nothing to pick from");
  return item;
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
const withBytes = ({ headers }: EventBody, body: Uint8Array): EventBody => ({
  headers,
  body: Uint8Array.from(body),
});
const withHeaders = ({ headers, body }: EventBody, more: Record<string, string>): EventBody => ({
  headers: { ...headers, ...more },
  body,
});

function spliced(into: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  return Buffer.concat([into.subarray(0, at), added, into.subarray(at + removed)]);
}

function noise(draw: Draw, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => draw(256));
}

/** What is put in place of a value of JSON, or anywhere at all. */
const FRAGMENTS = [
  "1e999",
  "-0",
  "-1",
  "0",
  "1.5",
  "99999999999999999999",
  "9007199254740993",
  "NaN",
  "null",
  "true",
  '""',
  "[]",
  "{}",
  '"\\ud800"',
  '"\\u0000"',
  '"\u00e9"',
  '"\xff"',
  '{"__proto__":{"a":1}}',
  '{"constructor":1}',
  '"2026-02-30T00:00:00Z"',
  '"0000-00-00T00:00:00Z"',
  '"9999-12-31T23:59:59.999Z"',
  "[".repeat(20_000),
  `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
  `${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`,
  `"${"x".repeat(5_000)}"`,
  '{"events":[]}',
  "\xef\xbb\xbf",
  "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
  "\x80".repeat(12),
];
const CONTENT_TYPES = [
  ...new Set(BODY_MAKERS.map(({ of }) => of([SAMPLE()]).headers["content-type"] ?? "")),
  "",
  "text/plain",
  "application/json;;",
  "multipart/form-data",
];
const CODINGS = [
  "gzip",
  "deflate",
  "br",
  "gzip, gzip",
  "GZIP",
  "identity",
  "compress",
  "x-gzip",
  ",",
  "zstd",
];

const MUTATIONS: readonly Mutation[] = [
  (body) => body,
  function flipBytes(body, draw) {
    const bytes = body.body.slice();
    for (let n = 1 + draw(8); n > 0; n--) bytes[draw(bytes.length)] = draw(256);
    return withBytes(body, bytes);
  },
  function flipBit(body, draw) {
    const bytes = body.body.slice();
    const at = draw(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << draw(8));
    return withBytes(body, bytes);
  },
  (body, draw) => withBytes(body, body.body.subarray(0, draw(body.body.length))),
  function repeatSlice(body, draw) {
    const from = draw(body.body.length);
    const slice = body.body.subarray(from, from + 1 + draw(200));
    return withBytes(
      body,
      spliced(body.body, draw(2) === 0 ? from : draw(body.body.length), 0, slice),
    );
  },
  function removeSlice(body, draw) {
    return withBytes(
      body,
      spliced(body.body, draw(body.body.length), 1 + draw(40), new Uint8Array()),
    );
  },
  function insertFragment(body, draw) {
    return withBytes(
      body,
      spliced(body.body, draw(body.body.length), draw(8), bytesOf(pick(draw, FRAGMENTS))),
    );
  },
  function replaceValue(body, draw) {
    const values = [...latin1(body.body).matchAll(/(?<=":)("[^"]*"|[^,"{}]+)/g)];
    if (values.length === 0) return body;
    const value = pick(draw, values);
    return withBytes(
      body,
      spliced(body.body, value.index, value[0].length, bytesOf(pick(draw, FRAGMENTS))),
    );
  },
  function renameField(body, draw) {
    const names = [...latin1(body.body).matchAll(/(?<=")\w+(?=":)/g)];
    if (names.length === 0) return body;
    const name = pick(draw, names);
    const other = pick(draw, [
      "__proto__",
      "constructor",
      "events",
      "metadata",
      "quantity",
      "user_id",
      "colour",
      "",
    ]);
    return withBytes(body, spliced(body.body, name.index, name[0].length, bytesOf(other)));
  },
  function joinWithAnother(body, draw, events) {
    const other = pick(draw, BODY_MAKERS).of(events).body;
    return withBytes(
      body,
      Buffer.concat([
        body.body.subarray(0, draw(body.body.length + 1)),
        other.subarray(draw(other.length)),
      ]),
    );
  },
  (body, draw) => withHeaders(body, { "content-type": pick(draw, CONTENT_TYPES) }),
  (body, draw) => withHeaders(body, { "content-encoding": pick(draw, CODINGS) }),
  (body) => withHeaders(withBytes(body, gzipSync(body.body)), { "content-encoding": "gzip" }),
  (body) => withHeaders(withBytes(body, deflateSync(body.body)), { "content-encoding": "deflate" }),
  function breakGzip(body, draw, events) {
    const packed = withHeaders(withBytes(body, gzipSync(body.body)), {
      "content-encoding": "gzip",
    });
    return pick(draw, MUTATIONS.slice(1, 6))(packed, draw, events);
  },
  (body) => withHeaders(withBytes(body, BOMB), { "content-encoding": "gzip" }),
  (body, draw) => withBytes(body, noise(draw, draw(300))),
  (_, draw) => pick(draw, TOO_MANY),
  (body, draw) =>
    withHeaders(body, {
      [pick(draw, [
        "ce-specversion",
        "ce-id",
        "ce-time",
        "ce-subject",
        "ce-type",
        "ce-data",
        "ce-__proto__",
      ])]: pick(draw, ["1.0", "%", "%ff%fe", '"\\""', "%E2%82%AC", "x".repeat(500), "0.3", " "]),
    }),
];

/** 501 events in each format that takes more than one. */
const TOO_MANY = BODY_MAKERS.filter(({ isSingle }) => !isSingle).map(({ of }) =>
  of([SAMPLE(), ...Array.from({ length: 500 }, SAMPLE)]),
);

/** 16 MB of zeros in 16 KB. */
const BOMB = gzipSync(new Uint8Array(16 * 1024 * 1024));

function SAMPLE(): SentEvent {
  return {
    event_type: "booking",
    region_id: "nyc-161",
    timestamp: "2026-01-11T10:30:00.000Z",
    idempotency_key: "b-1",
  };
}

export interface MutatedBodiesOptions {
  seed: number;
  count: number;
  regions: readonly string[];
  now: number;
}

/** `count` requests; a seventh of them are right, the rest changed once or twice. */
export function* mutatedBodies({
  seed,
  count,
  regions,
  now,
}: MutatedBodiesOptions): Generator<EventBody> {
  const draw = drawFrom(seed);
  for (let i = 0; i < count; i++) {
    const event = (n: number): SentEvent => ({
      event_type: pick(draw, ["booking", "search", "view", "cancellation"]),
      region_id: pick(draw, regions),
      timestamp: new Date(now - draw(8_000)).toISOString(),
      idempotency_key: `${seed}-${i}-${n}`,
      ...(draw(3) > 0 && { user_id: `user-${draw(1_000)}` }),
      ...(draw(3) > 0 && { product_type: "standard_ride" }),
      ...(draw(3) > 0 && { quantity: 1 + draw(5) }),
      ...(draw(2) > 0 && { metadata: { source: "app", n: draw(100) } }),
    });
    const events: [SentEvent, ...SentEvent[]] = [
      event(0),
      ...Array.from({ length: draw(6) }, (_, n) => event(n + 1)),
    ];
    let body = pick(draw, BODY_MAKERS).of(events);
    for (let n = draw(7) === 0 ? 0 : 1 + draw(2); n > 0; n--) {
      if (body.body.length > 0) body = pick(draw, MUTATIONS)(body, draw, events);
    }
    yield body;
  }
}
