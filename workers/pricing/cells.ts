/**
 * What this isolate knows of each region: its snapshot, and the prices made from it.
 *
 * Requests read from here, and none waits while features at hand are within their time to live. Beside them, about once a second,
 * a newer snapshot is asked for: of the location where other isolates ask too, else of the region's object. When that does not
 * answer, the location's copy and KV's stand in, in this order.
 */
import { type Log, messageOf } from "../../contract/log.ts";
import type { Region } from "../../domain/region.ts";
import { FEATURE_TTL_MS, type FeatureSnapshot } from "../../domain/snapshot.ts";
import { epochMs, HOUR_MS, type RegionId, SECOND_MS } from "../../domain/units.ts";
import type { Catalog } from "./catalog.ts";
import { TURNED_AWAY_RETRY_MS } from "./dependency.ts";
import { type Foresight, foresee } from "./foresight.ts";
import { createCompany } from "./location-copies.ts";
import type { LoadedModel } from "./model/load-model.ts";
import { announcedBy, type RegionPrices, regionPricesFrom, toldBy } from "./region-prices.ts";
import { createSingleFlight, type SingleFlight } from "./single-flight.ts";
import {
  createSnapshotSearch,
  type Origin,
  REFRESH_EVERY_MS,
  type SearchPorts,
  type Sought,
} from "./snapshot-search.ts";

export interface Cell extends Sought {
  prices: RegionPrices | null;
  /** When somebody was last asked for a newer one, wall clock. */
  askedAt: number;
  /** No snapshot yet, or none that was looked after lately, and not known that no newer one can be had. */
  isCold: boolean;
  /** When the region's object was asked first, or first again, wall clock. */
  coldSince: number;
  /** The tick whose forecast and prices the region was told of. */
  toldTick: number;
  readonly flight: SingleFlight;
}

export interface Cells {
  of(region: Region): Cell;
  /** Whether to ask for a newer snapshot. */
  isDue(cell: Cell, now: number): boolean;
  /** Whether what is at hand is past its time to live because nobody has asked, so that a request waits for better. */
  isForgotten(cell: Cell, now: number): boolean;
  /** Has the next requests wait for the region once more, as for a new one. */
  chill(cell: Cell, now: number): void;
  /** Asks for a newer snapshot, and prices it; null when that is under way. Never rejects. */
  refresh(cell: Cell): Promise<void> | null;
  /** The prices of a region as of now: the ones at hand, or made anew where something they were made from has changed. */
  pricesOf(cell: Cell, now: number): RegionPrices;
  /** By the model in force, or by another that is in memory. */
  foresee(snapshot: FeatureSnapshot | null, model?: LoadedModel): Foresight;
}

export interface CellPorts extends SearchPorts {
  catalog: Catalog;
  log: Log;
}

/** Under traffic somebody is asked every second; where they do not answer, no request waits on them again. */
const SILENCE_MS = 2 * SECOND_MS;
const LONGEST_REFRESH_MS = 5 * SECOND_MS;
/** Demand of an hour ago prices nothing. */
const MAX_SNAPSHOT_AGE_MS = HOUR_MS;
/** A cell is about 10 KB. */
const MAX_CELLS = 2_000;

export function createCells(ports: CellPorts): Cells {
  const { regionWindows, regions, catalog, wallNow, log, metrics } = ports;
  const search = createSnapshotSearch<Cell>(ports, {
    adopt,
    toldIn: ({ snapshot, prices }) =>
      snapshot && prices?.snapshot === snapshot ? [toldBy(prices), announcedBy(prices)] : [],
  });
  const cells = new Map<RegionId, Cell>();
  const inferenceFailures = metrics.counter(
    "pricing_inference_failures_total",
    "Forecasts that the model could not make.",
  );

  function newCell(region: Region): Cell {
    const cell: Cell = {
      region,
      snapshot: null,
      prices: null,
      askedAt: Number.NEGATIVE_INFINITY,
      isTurnedAway: false,
      stoodInAt: Number.NEGATIVE_INFINITY,
      company: createCompany(),
      isCold: true,
      coldSince: wallNow(),
      toldTick: 0,
      flight: createSingleFlight(() => refresh(cell), wallNow, LONGEST_REFRESH_MS),
    };
    return cell;
  }

  async function refresh(cell: Cell): Promise<void> {
    cell.askedAt = wallNow();
    await search.forNewer(cell);
    cell.isCold = false;
    await tellDecided(cell);
  }

  function adopt(cell: Cell, snapshot: FeatureSnapshot, origin: Origin): void {
    cell.snapshot = snapshot;
    // Whoever had it from the object tells the object.
    if (origin === "copy") cell.toldTick = snapshot.tick;
    pricesOf(cell, wallNow());
    cell.isCold = false;
  }

  /** Gives the region the forecast just made, for isolates that have no model, and the prices that the next ones follow. */
  async function tellDecided(cell: Cell): Promise<void> {
    const { snapshot, prices, toldTick } = cell;
    if (!snapshot || !prices || snapshot.tick === toldTick) return;
    const forecast = prices.foresight.source === "model" ? prices.foresight.forecast : null;
    const told = toldBy(prices);
    const announced = announcedBy(prices);
    cell.toldTick = snapshot.tick;
    const { regionId } = cell.region;
    await regions.ask(() =>
      regionWindows(regionId).recordDecided(snapshot.tick, forecast, told, announced),
    );
  }

  function pricesOf(cell: Cell, now: number): RegionPrices {
    const inForce = catalog.inForce();
    const snapshot =
      cell.snapshot && now - cell.snapshot.madeAt < MAX_SNAPSHOT_AGE_MS ? cell.snapshot : null;
    const known = cell.prices;
    const isOver = known !== null && known.validUntil !== null && now >= known.validUntil;
    if (known && known.madeBy === inForce && known.snapshot === snapshot && !isOver) return known;
    // The forecast depends on neither rules nor regions.
    const foresight =
      known && known.madeBy.model === inForce.model && known.snapshot === snapshot
        ? known.foresight
        : foreseeBy(snapshot);
    const { region } = cell;
    cell.prices = regionPricesFrom({
      ...{ region, snapshot, foresight, madeBy: inForce },
      decidedAt: epochMs(now),
    });
    return cell.prices;
  }

  function foreseeBy(snapshot: FeatureSnapshot | null, model = catalog.inForce().model): Foresight {
    return foresee(snapshot, model, (error) => {
      inferenceFailures.value += 1;
      log("error", "inference failed", {
        regionId: snapshot?.regionId,
        tick: snapshot?.tick,
        model: model?.version,
        error: messageOf(error),
      });
    });
  }

  return {
    of(region) {
      const known = cells.get(region.regionId);
      if (known?.region === region) return known;
      const cell = newCell(region);
      // The same region from a newer document: what is known of its demand stays.
      if (known) Object.assign(cell, { snapshot: known.snapshot, isCold: known.isCold });
      const [oldest] = cells.keys();
      if (oldest && cells.size >= MAX_CELLS) cells.delete(oldest);
      cells.set(region.regionId, cell);
      return cell;
    },
    isDue({ askedAt, isTurnedAway }, now) {
      return now - askedAt >= (isTurnedAway ? TURNED_AWAY_RETRY_MS : REFRESH_EVERY_MS);
    },
    isForgotten({ isCold, askedAt, snapshot }, now) {
      if (isCold || now - askedAt <= SILENCE_MS) return false;
      return snapshot === null || now - snapshot.madeAt > FEATURE_TTL_MS;
    },
    chill(cell, now) {
      cell.isCold = true;
      cell.coldSince = now;
    },
    refresh: (cell) => cell.flight.begin(),
    pricesOf,
    foresee: foreseeBy,
  };
}
