/**
 * What a stretch of events changes in a region, apart from the region: how shards of a hot region tell what they counted.
 *
 * A commutative monoid: deltas add up to the same state in any order and any grouping, and the empty one changes nothing. What
 * decides whether an event counts at all (keys, watermark) is not part of it: that stays where events are judged, so a delta
 * holds each event once, and is to be added once.
 */
import { ActiveUsers } from "./active-users.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { QuarterHours } from "./quarter-hours.ts";
import { Readings } from "./readings.ts";
import { emptyRegion, type RegionParts } from "./region-state.ts";
import type { Totals } from "./totals.ts";
import type { EpochMs } from "./units.ts";
import { WindowCounts } from "./window.ts";

const VERSION = 2;
const VERSION_WITHOUT_PRODUCTS = 1;

/** The parts of a region that events are counted into. */
export type RegionDelta = Pick<
  RegionParts,
  "lastBookingAt" | "totals" | "windows" | "users" | "quarterHours" | "readings"
>;

const TOTALS = ["search", "view", "booking", "cancellation", "late", "duplicates"] as const;

/** The delta of no events. `reachMs` is that of the region (`reachMsOf`). */
export function emptyDelta(reachMs?: number): RegionDelta {
  const { lastBookingAt, totals, windows, users, quarterHours, readings } = emptyRegion(reachMs);
  return { lastBookingAt, totals, windows, users, quarterHours, readings };
}

/**
 * Adds what `delta` counted to a region, or to another delta; `delta` stays as it is. No event from before `forgetBeforeAt`
 * comes any more.
 */
export function addDelta(to: RegionDelta, delta: RegionDelta, forgetBeforeAt: EpochMs): void {
  to.lastBookingAt = Math.max(to.lastBookingAt, delta.lastBookingAt) as EpochMs;
  for (const name of TOTALS) to.totals[name] += delta.totals[name];
  to.windows.addAll(delta.windows);
  to.users.addAll(delta.users, forgetBeforeAt);
  to.quarterHours.addAll(delta.quarterHours);
  to.readings.addAll(delta.readings);
}

/** Takes what was counted since the last time out of a region that counts for another. `reachMs` as in `emptyDelta`. */
export function takeDelta(from: RegionDelta, reachMs?: number): RegionDelta {
  const { lastBookingAt, totals, windows, users, quarterHours, readings } = from;
  Object.assign(from, emptyDelta(reachMs));
  return { lastBookingAt, totals, windows, users, quarterHours, readings };
}

/** Appends a delta. `forgetBeforeAt` as in `addDelta`, by the clock of whoever counted. */
export function writeDelta(writer: ByteWriter, delta: RegionDelta, forgetBeforeAt: EpochMs): void {
  writer.u8(VERSION);
  writer.f64(delta.lastBookingAt);
  for (const name of TOTALS) writer.varint(delta.totals[name]);
  delta.windows.writeTo(writer);
  delta.users.writeTo(writer, forgetBeforeAt);
  writeQuarters(writer, delta.quarterHours);
  delta.readings.writeTo(writer);
}

/** Reads what `writeDelta` wrote, now or in the version before. `reachMs` as in `emptyDelta`. Throws RangeError on another version. */
export function readDelta(reader: ByteReader, reachMs?: number): RegionDelta {
  const version = reader.u8();
  if (version !== VERSION && version !== VERSION_WITHOUT_PRODUCTS)
    throw new RangeError(`no delta has version ${version}`);
  const lastBookingAt = reader.f64() as EpochMs;
  const totals = Object.fromEntries(TOTALS.map((name) => [name, reader.varint()]));
  const windows = WindowCounts.readFrom(reader, reachMs);
  const users = ActiveUsers.readFrom(reader, reachMs);
  const quarterHours = readQuarters(reader);
  const readings = Readings.readFrom(reader, version !== VERSION_WITHOUT_PRODUCTS);
  return {
    lastBookingAt,
    totals: totals as Record<keyof Totals, number>,
    windows,
    users,
    quarterHours,
    readings,
  };
}

/** Only the quarter hours that have bookings: a delta has few of them, and a region thousands. */
function writeQuarters(writer: ByteWriter, quarters: QuarterHours): void {
  const held: [quarter: number, count: number][] = [];
  quarters.forEach((quarter, count) => {
    held.push([quarter, count]);
  });
  writer.varint(held.length);
  for (const [quarter, count] of held) {
    writer.varint(quarter);
    writer.varint(count);
  }
}

function readQuarters(reader: ByteReader): QuarterHours {
  const quarters = new QuarterHours();
  const held = reader.varint();
  for (let i = 0; i < held; i++) quarters.addMany(reader.varint(), reader.varint());
  return quarters;
}
