/** A region's state as bytes, and back. What the rules let it forget at `now` is left out. */
import { ActiveUsers } from "./active-users.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { Context } from "./context.ts";
import { Drivers } from "./drivers.ts";
import { type EarlierBookings, QuarterHours } from "./quarter-hours.ts";
import { Readings } from "./readings.ts";
import type { RegionParts, RegionState } from "./region-state.ts";
import { Repeats } from "./repeats.ts";
import type { EpochMs } from "./units.ts";
import { WindowCounts } from "./window.ts";

const VERSION = 3;
/** Knew nothing of products. */
const VERSION_WITHOUT_PRODUCTS = 2;
/** Knew of users only when they were last seen, and of supply only the latest reading; nothing of products either. */
const VERSION_OF_LAST_SEEN = 1;

/** Appends the whole state. `now` is the event clock of the last arrival. */
export function writeRegion(writer: ByteWriter, state: RegionState, now: EpochMs): void {
  const { parts } = state;
  writer.u8(VERSION);
  writer.f64(parts.beganAt ?? Number.NaN);
  writer.f64(parts.watermarkAt);
  writer.f64(parts.newestEventAt);
  writer.f64(parts.lastBookingAt);
  writer.text(JSON.stringify(parts.totals));
  parts.windows.writeTo(writer);
  parts.users.writeTo(writer, state.forgetBeforeAt(now));
  parts.repeats.writeTo(writer, state.forgetBeforeAt(now));
  parts.quarterHours.writeTo(writer);
  writeEarlier(writer, parts.earlier);
  parts.readings.writeTo(writer);
}

/** Reads what `writeRegion` wrote, now or in an earlier version. `reachMs` as in `emptyRegion`. Throws RangeError on other versions. */
export function readRegion(reader: ByteReader, reachMs?: number): RegionParts {
  const version = reader.u8();
  if (version < VERSION_OF_LAST_SEEN || version > VERSION)
    throw new RangeError(`no region state has version ${version}`);
  const beganAt = reader.f64() as EpochMs;
  const watermarkAt = reader.f64() as EpochMs;
  const newestEventAt = reader.f64() as EpochMs;
  const lastBookingAt = reader.f64() as EpochMs;
  const totals = JSON.parse(reader.text()) as RegionParts["totals"];
  const isOld = version === VERSION_OF_LAST_SEEN;
  const latest = isOld ? (JSON.parse(reader.text()) as Context) : null;
  const windows = WindowCounts.readFrom(reader, reachMs);
  const users = isOld
    ? ActiveUsers.readLastSeenFrom(reader, reachMs)
    : ActiveUsers.readFrom(reader, reachMs);
  const repeats = Repeats.readFrom(reader);
  const quarterHours = QuarterHours.readFrom(reader);
  const earlier = readEarlier(reader);
  const readings = latest
    ? new Readings(latest, Drivers.readFrom(reader))
    : Readings.readFrom(reader, version > VERSION_WITHOUT_PRODUCTS);
  return {
    beganAt: Number.isNaN(beganAt) ? null : beganAt,
    watermarkAt,
    newestEventAt,
    lastBookingAt,
    totals,
    windows,
    users,
    repeats,
    quarterHours,
    earlier,
    readings,
  };
}

function writeEarlier(writer: ByteWriter, earlier: EarlierBookings | null): void {
  writer.u32(earlier?.counts.length ?? 0);
  if (!earlier || earlier.counts.length === 0) return;
  writer.f64(earlier.startAt);
  for (const count of earlier.counts) writer.varint(count);
}

function readEarlier(reader: ByteReader): EarlierBookings | null {
  const slots = reader.u32();
  if (slots === 0) return null;
  const startAt = reader.f64() as EpochMs;
  return { startAt, counts: Uint32Array.from({ length: slots }, () => reader.varint()) };
}
