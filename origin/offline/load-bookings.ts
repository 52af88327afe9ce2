/** Point-in-time reads of bookings: what was known at an instant, and nothing of what came after it. */
import { eq, max } from "drizzle-orm";
import { BookingHistory } from "../../domain/history.ts";
import {
  type EpochMs,
  epochMs,
  floorTo,
  QUARTER_HOUR_MS,
  type RegionId,
} from "../../domain/units.ts";
import { imports } from "../database/schema.ts";
import { type Entity, entityFolder, literal, type OfflineStore } from "./offline-store.ts";

/** Bookings of many regions over one stretch of quarter hours. */
export interface BookingTable {
  /** Start of the first slot. */
  startAt: EpochMs;
  slots: number;
  /** One array of `slots` counts for each region. */
  countsByRegion: ReadonlyMap<RegionId, Uint32Array>;
}

/**
 * Every region's bookings in the slots that ended by `until`; null when nothing was known then.
 *
 * The stretch is the same for all regions, from the first slot that anyone has bookings in to `until`, or to the last such
 * slot where that is earlier: within it a slot without a row had no bookings, outside it nothing is known.
 */
export async function loadBookings(
  store: OfflineStore,
  until: EpochMs,
): Promise<BookingTable | null> {
  const latest = await latestImport(store, "bookings");
  if (latest === null) return null;
  const files = literal(`${entityFolder(store, "bookings")}/*/*.parquet`);
  const from = `FROM read_parquet(${files}, hive_partitioning = true) WHERE import_sequence <= $latest`;
  const bounds = await store.duckdb.runAndReadAll(
    `SELECT epoch_ms(min(slot_at))::DOUBLE, epoch_ms(max(slot_at))::DOUBLE ${from}`,
    { latest },
  );
  const [[first], [last]] = bounds.getColumns() as [[number], [number]];
  const endAt = Math.min(last + QUARTER_HOUR_MS, floorTo(until, QUARTER_HOUR_MS));
  if (endAt <= first) return null;
  const result = await store.duckdb.runAndReadAll(
    `SELECT
       region_id,
       epoch_ms(slot_at)::DOUBLE AS slot_at,
       arg_max(bookings, import_sequence)::DOUBLE AS bookings
     ${from}
       AND date <= epoch_ms($endAt::BIGINT)::DATE
       AND slot_at < epoch_ms($endAt::BIGINT)
     GROUP BY ALL`,
    { latest, endAt },
  );
  return tableFrom(result.getColumns(), first, (endAt - first) / QUARTER_HOUR_MS);
}

/** The history of one region in a table; of a region without bookings, a stretch of zeros. */
export function historyOf({ startAt, slots, countsByRegion }: BookingTable, regionId: RegionId) {
  return new BookingHistory(startAt, countsByRegion.get(regionId) ?? new Uint32Array(slots));
}

/** The bookings of one region that were known at `until`; null when nothing of any region was. */
export async function loadBookingHistory(
  store: OfflineStore,
  regionId: RegionId,
  until: EpochMs,
): Promise<BookingHistory | null> {
  const table = await loadBookings(store, until);
  return table && historyOf(table, regionId);
}

/** The number of the last import of an entity: files of later ones are not whole yet. Null when there is none. */
export async function latestImport(
  { database }: OfflineStore,
  entity: Entity,
): Promise<number | null> {
  const [last] = await database
    .select({ sequence: max(imports.sequence) })
    .from(imports)
    .where(eq(imports.entity, entity));
  return last?.sequence ?? null;
}

function tableFrom(columns: unknown[][], startAt: number, slots: number): BookingTable {
  const [regionIds = [], slotAts = [], bookings = []] = columns;
  const countsByRegion = new Map<RegionId, Uint32Array>();
  regionIds.forEach((id, row) => {
    const regionId = String(id) as RegionId;
    let counts = countsByRegion.get(regionId);
    if (!counts) {
      counts = new Uint32Array(slots);
      countsByRegion.set(regionId, counts);
    }
    counts[(Number(slotAts[row]) - startAt) / QUARTER_HOUR_MS] = Number(bookings[row]);
  });
  return { startAt: epochMs(startAt), slots, countsByRegion };
}
