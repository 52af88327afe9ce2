/**
 * What the users of an experiment did, before and after they were exposed: exposures joined with the events of bronze by the hash
 * of the user that both carry.
 */
import { DOUBLE, type DuckDBConnection, VARCHAR } from "@duckdb/node-api";
import type { EpochMs, ProductType, RegionId } from "../../domain/units.ts";
import type { BronzeStore } from "../event-log/bronze-sink.ts";
import { ColumnLoader } from "../event-log/column-loader.ts";
import { createLogViews } from "../event-log/log-views.ts";
import { literal } from "../offline/offline-store.ts";
import { MomentSums } from "./moments.ts";
import type { Arm } from "./report.ts";

export interface Exposure {
  userHash: string;
  variant: string;
  /** Event clock. */
  exposedAt: EpochMs;
}

/** Which bookings count as an outcome. */
export interface OutcomeScope {
  /** Null: all. */
  regions: ReadonlySet<RegionId> | null;
  productTypes: ReadonlySet<ProductType> | null;
  /** Up to here, exclusive, event clock; undefined: all there are. */
  until: EpochMs | undefined;
  /** How long before their exposure users are looked at, for CUPED. */
  beforeMs: number;
  /** Decimal value of one minor unit, by region: what a price in a request id is counted in. */
  minorUnits: ReadonlyMap<RegionId, number>;
}

export interface Outcomes {
  arms: Arm[];
  /** Bookings after exposure that say no price: they count as bookings, and bring no revenue. */
  unpricedBookings: number;
}

/** The variants, in their order, with the moments of what their users did. */
export async function userOutcomes(
  store: BronzeStore,
  exposures: AsyncIterable<Exposure>,
  variants: readonly { name: string; weight: number }[],
  scope: OutcomeScope,
): Promise<Outcomes> {
  const { duckdb } = store;
  await createLogViews(store);
  const exposed = await loadExposures(duckdb, exposures, scope.until);
  const units = await loadUnits(duckdb, scope.minorUnits);
  const sums = new Map(variants.map(({ name }) => [name, newSums()]));
  let unpricedBookings = 0;
  const result = await duckdb.stream(queryOf(exposed.table, units.table, scope));
  for await (const rows of result.yieldRowsJs()) {
    for (const row of rows) {
      const [variant, bookings, bookingsBefore, revenue, revenueBefore, unpriced] = row;
      // A variant that the document knows no more is no arm of what is compared.
      const arm = sums.get(String(variant));
      if (!arm) continue;
      const [after, before] = [Number(bookings), Number(bookingsBefore)];
      arm.users += 1;
      arm.conversion.add(Math.sign(after), Math.sign(before));
      arm.bookings.add(after, before);
      arm.revenue.add(Number(revenue), Number(revenueBefore));
      unpricedBookings += Number(unpriced);
    }
  }
  await exposed.drop();
  await units.drop();
  return {
    arms: variants.map(({ name, weight }) => armFrom(name, weight, sums.get(name))),
    unpricedBookings,
  };
}

type Sums = ReturnType<typeof newSums>;

function newSums() {
  return {
    users: 0,
    conversion: new MomentSums(),
    bookings: new MomentSums(),
    revenue: new MomentSums(),
  };
}

function armFrom(variant: string, weight: number, sums: Sums = newSums()): Arm {
  const { users, conversion, bookings, revenue } = sums;
  const outcomes = {
    conversion: conversion.moments(),
    bookings: bookings.moments(),
    revenue: revenue.moments(),
  };
  return { variant, weight, users, outcomes };
}

async function loadExposures(
  duckdb: DuckDBConnection,
  exposures: AsyncIterable<Exposure>,
  until: EpochMs | undefined,
): Promise<ColumnLoader> {
  const loader = await ColumnLoader.open(duckdb, {
    user: VARCHAR,
    variant: VARCHAR,
    exposed_at: DOUBLE,
  });
  for await (const { userHash, variant, exposedAt } of exposures) {
    if (until === undefined || exposedAt < until) loader.add(userHash, variant, exposedAt);
  }
  loader.finish();
  return loader;
}

async function loadUnits(
  duckdb: DuckDBConnection,
  minorUnits: ReadonlyMap<RegionId, number>,
): Promise<ColumnLoader> {
  const loader = await ColumnLoader.open(duckdb, { region_id: VARCHAR, unit: DOUBLE });
  for (const [regionId, unit] of minorUnits) loader.add(regionId, unit);
  loader.finish();
  return loader;
}

/**
 * A row a user. What a booking brought is the price of its `metadata.request_id`, for that is what the client was told; else
 * its `metadata.price`.
 */
function queryOf(exposures: string, units: string, scope: OutcomeScope): string {
  const { regions, productTypes, until, beforeMs } = scope;
  const within = [
    "e.event_type = 'booking'",
    regions && `e.region_id IN (${listOf(regions)})`,
    productTypes && `e.product_type IN (${listOf(productTypes)})`,
    until !== undefined && `e.occurred_at < epoch_ms(${until}::BIGINT)`,
  ].filter((condition) => typeof condition === "string");
  const after = "b.at >= x.exposed_at";
  const before = `b.at < x.exposed_at AND b.at >= x.exposed_at - ${beforeMs}`;
  return `
    WITH bookings AS (
      SELECT e."user" AS "user", epoch_ms(e.occurred_at)::DOUBLE AS at, e.quantity AS units,
        e.quantity * coalesce(
          TRY_CAST(split_part(e.metadata ->> '$.request_id', '.', 7) AS BIGINT) * u.unit,
          TRY_CAST(e.metadata ->> '$.price' AS DOUBLE)
        ) AS revenue
      FROM silver_events e LEFT JOIN "${units}" u ON u.region_id = e.region_id
      WHERE ${within.join(" AND ")} AND e."user" IS NOT NULL
    )
    SELECT x.variant,
      coalesce(sum(b.units) FILTER (${after}), 0)::DOUBLE,
      coalesce(sum(b.units) FILTER (${before}), 0)::DOUBLE,
      coalesce(sum(b.revenue) FILTER (${after}), 0)::DOUBLE,
      coalesce(sum(b.revenue) FILTER (${before}), 0)::DOUBLE,
      count(*) FILTER (${after} AND b.revenue IS NULL)::DOUBLE
    FROM "${exposures}" x LEFT JOIN bookings b ON b."user" = x."user"
    GROUP BY x."user", x.variant`;
}

function listOf(names: Iterable<string>): string {
  return [...names].map(literal).join(", ");
}
