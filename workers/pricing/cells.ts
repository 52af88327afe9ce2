/**
 * What this isolate knows of each region: its snapshot, and the prices made from it.
 *
 * Requests read from here and never wait, but for the first one of a region. Beside them, about once a second, the region's
 * object is asked for a newer snapshot; KV has a copy for when it does not answer.
 */
import { type Log, messageOf } from "../../contract/log.ts";
import type { Metrics } from "../../contract/metrics.ts";
import { snapshotKey } from "../../contract/store-keys.ts";
import type { Announced } from "../../domain/price-lows.ts";
import type { Region } from "../../domain/region.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import type { ToldBySlot } from "../../domain/told-prices.ts";
import { epochMs, HOUR_MS, type RegionId, SECOND_MS } from "../../domain/units.ts";
import type { Catalog } from "./catalog.ts";
import { type Dependency, TOO_LATE, within } from "./dependency.ts";
import { type Foresight, foresee } from "./foresight.ts";
import { announcedBy, type RegionPrices, regionPricesFrom, toldBy } from "./region-prices.ts";
import { createSingleFlight, type SingleFlight } from "./single-flight.ts";
import { snapshotFromCopy } from "./snapshot-copy.ts";
import type { ConfigStore, RegionWindows } from "./stores.ts";

export interface Cell {
  readonly region: Region;
  snapshot: FeatureSnapshot | null;
  prices: RegionPrices | null;
  /** When the region's object was last asked, wall clock. */
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
  /** Whether nobody has asked for so long that what is at hand may be another hour's. */
  isForgotten(cell: Cell, now: number): boolean;
  /** Has the next requests wait for the region once more, as for a new one. */
  chill(cell: Cell, now: number): void;
  /** Asks for a newer snapshot, and prices it; null when that is under way. Never rejects. */
  refresh(cell: Cell): Promise<void> | null;
  /** The prices of a region as of now: the ones at hand, or made anew where something they were made from has changed. */
  pricesOf(cell: Cell, now: number): RegionPrices;
  foresee(snapshot: FeatureSnapshot | null): Foresight;
}

export interface CellPorts {
  regionWindows: RegionWindows;
  regions: Dependency;
  config: ConfigStore;
  configDependency: Dependency;
  catalog: Catalog;
  wallNow: () => number;
  log: Log;
  metrics: Metrics;
}

const REFRESH_EVERY_MS = SECOND_MS;
/** Under traffic features are about a second old; the first request after a silence waits for new ones instead. */
const FORGOTTEN_AFTER_MS = 2 * SECOND_MS;
const LONGEST_REFRESH_MS = 5 * SECOND_MS;
/** A region that knows nothing yet asks KV too, when its object takes longer than this. */
const HEDGE_AFTER_MS = 100;
/** The copy in KV is no newer than this, so it is not worth asking for earlier. */
const COPY_AGE_MS = 30 * SECOND_MS;
/** Demand of an hour ago prices nothing. */
const MAX_SNAPSHOT_AGE_MS = HOUR_MS;
/** A cell is about 10 KB. */
const MAX_CELLS = 2_000;

export function createCells(ports: CellPorts): Cells {
  const { regionWindows, regions, config, configDependency, catalog, wallNow, log, metrics } =
    ports;
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
      isCold: true,
      coldSince: wallNow(),
      toldTick: 0,
      flight: createSingleFlight(() => refresh(cell), wallNow, LONGEST_REFRESH_MS),
    };
    return cell;
  }

  async function refresh(cell: Cell): Promise<void> {
    cell.askedAt = wallNow();
    const asking = askObject(cell);
    if (!cell.snapshot && (await within(asking, HEDGE_AFTER_MS)) === TOO_LATE) await askCopy(cell);
    if (!(await asking)) await askCopy(cell);
    cell.isCold = false;
    await tellDecided(cell);
  }

  /** True when the object answered, be it that nothing is new. */
  async function askObject(cell: Cell): Promise<boolean> {
    const { regionId, timeZone } = cell.region;
    const answer = await regions.ask(() =>
      regionWindows(regionId).snapshot(
        cell.snapshot?.tick ?? 0,
        timeZone,
        toldIn(cell),
        announcedIn(cell),
      ),
    );
    if (answer.ok && answer.value) adopt(cell, answer.value);
    return answer.ok;
  }

  async function askCopy(cell: Cell): Promise<void> {
    const { snapshot, region } = cell;
    if (snapshot && wallNow() - snapshot.madeAt < COPY_AGE_MS) return;
    const answer = await configDependency.ask(() => config.get(snapshotKey(region.regionId)));
    if (!answer.ok || answer.value === null) return;
    const copy = snapshotFromCopy(answer.value, region.regionId);
    // Meanwhile the object may have answered after all.
    if (copy && copy.madeAt > (cell.snapshot?.madeAt ?? 0)) adopt(cell, copy);
  }

  function adopt(cell: Cell, snapshot: FeatureSnapshot): void {
    cell.snapshot = snapshot;
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

  /** What was told at the cell's tick; undefined where no price was made from it. */
  function toldIn({ snapshot, prices }: Cell): ToldBySlot | undefined {
    return snapshot && prices?.snapshot === snapshot ? toldBy(prices) : undefined;
  }

  function announcedIn({ snapshot, prices }: Cell): Announced | undefined {
    return snapshot && prices?.snapshot === snapshot ? announcedBy(prices) : undefined;
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

  function foreseeBy(snapshot: FeatureSnapshot | null): Foresight {
    return foresee(snapshot, catalog.inForce().model, (error) => {
      inferenceFailures.value += 1;
      log("error", "inference failed", {
        regionId: snapshot?.regionId,
        tick: snapshot?.tick,
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
    isDue: (cell, now) => now - cell.askedAt >= REFRESH_EVERY_MS,
    isForgotten: (cell, now) => !cell.isCold && now - cell.askedAt > FORGOTTEN_AFTER_MS,
    chill(cell, now) {
      cell.isCold = true;
      cell.coldSince = now;
    },
    refresh: (cell) => cell.flight.begin(),
    pricesOf,
    foresee: foreseeBy,
  };
}
