/**
 * The way of a price, on one screen.
 *
 *     region -> snapshot -> forecast -> decision -> answer
 *
 * All of it is in memory when a request comes: `prepare` sees to that beside the requests, `tell` reads. Nothing here
 * fails because something behind it is down; the answer says how good its basis was.
 */
import { instantText } from "../../contract/names.ts";
import { type ComputeRequest, PRICE_VALID_MS } from "../../contract/pricing.ts";
import type { Problem } from "../../contract/problem.ts";
import { FEATURE_TTL_MS } from "../../domain/snapshot.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";
import { attributeFaults } from "./attribute-faults.ts";
import type { Call } from "./call.ts";
import type { Catalog } from "./catalog.ts";
import type { Cell, Cells } from "./cells.ts";
import { cacheKeyOf, type DecisionCache } from "./decision-cache.ts";
import type { DecisionLog } from "./decision-log.ts";
import type { Board, Given } from "./experiments/board.ts";
import { decideVariant } from "./experiments/decide-variant.ts";
import type { ExposureLog } from "./experiments/exposure-log.ts";
import type { Models } from "./model/models.ts";
import type { PriceMetrics } from "./price-metrics.ts";
import { type Decided, decideProduct, NO_PARTICULARS, type RegionPrices } from "./region-prices.ts";
import { until } from "./single-flight.ts";

/** How long after a region or an isolate was first asked for, requests still wait for what is to come. */
const FIRST_WAIT_MS = 250;

export type Asked = Pick<ComputeRequest, "region_id" | "product_type" | "user_id" | "attributes">;

/** Of a request, what a price needs. */
export type Asking = Pick<Call, "now" | "traceId" | "waitUntil">;

export interface Pipeline {
  /** Looks after what a region is priced from. Null when there is nothing to wait for, which is nearly always. */
  prepare(regionId: RegionId, asking: Asking): Promise<void> | null;
  /** The JSON of an answer, or why there is none. `anew`: decided again from the features at hand. */
  tell(asked: Asked, asking: Asking, anew: boolean): string | Problem;
  /** The prices of a region, or null when there is no such region. */
  pricesOf(regionId: RegionId, now: EpochMs): RegionPrices | null;
}

export function createPipeline(parts: {
  catalog: Catalog;
  cells: Cells;
  decisionLog: DecisionLog;
  decisionCache: DecisionCache<Decided>;
  board: Board;
  exposureLog: ExposureLog;
  models: Pick<Models, "warm">;
  metrics: PriceMetrics;
  /** Sixteen hex digits, new each time. */
  nonce: () => string;
}): Pipeline {
  const { catalog, cells, decisionLog, decisionCache, board, exposureLog, metrics, nonce } = parts;

  function cellOf(regionId: RegionId): Cell | null {
    const region = catalog.inForce().regions.byId.get(regionId);
    return region ? cells.of(region) : null;
  }

  /** The decision about a product and what the request says of itself: made when it is first asked for. */
  function decidedFor(prices: RegionPrices, asked: Asked): Decided | undefined | null {
    const { product_type, attributes = null } = asked;
    if (attributes === null) return prices.byProduct.get(product_type);
    const particulars = { ...NO_PARTICULARS, attributes };
    const key = cacheKeyOf(prices, product_type, particulars);
    const known = decisionCache.get(key);
    if (known) return known;
    const decided = decideProduct(prices, product_type, particulars);
    if (decided) decisionCache.set(key, decided);
    return decided;
  }

  /** Whether the region can be priced now as well as it ever can; sets off what is due for it. */
  function isPrepared(regionId: RegionId, asking: Asking): boolean {
    if (!catalog.hasAsked()) return false;
    const cell = cellOf(regionId);
    if (!cell) return true;
    if (cells.isDue(cell, asking.now)) {
      if (cells.isForgotten(cell, asking.now)) cells.chill(cell, asking.now);
      beside(asking, cells.refresh(cell));
    }
    return !cell.isCold;
  }

  /** Decides one product again from the features at hand, as if it had never been decided. */
  function decideAnew(prices: RegionPrices, asked: Asked): Decided | null {
    const { product_type: productType, attributes } = asked;
    if (attributes !== undefined) return decidedFor(prices, asked) ?? null;
    const foresight = cells.foresee(prices.snapshot);
    const decided = decideProduct({ ...prices, foresight }, productType);
    const known = prices.byProduct.get(productType);
    if (decided && known) decided.told = known.told && known.id === decided.id;
    if (decided) prices.byProduct.set(productType, decided);
    return decided;
  }

  /** The decision of the variant that the user has; null for everybody outside of experiments. */
  function decidedInExperiment(
    prices: RegionPrices,
    asked: Asked,
    given: Given | null,
    anew: boolean,
  ): Decided | null {
    if (given === null) return null;
    const { product_type: productType, attributes = null } = asked;
    return decideVariant(parts, prices, { productType, attributes, anew }, given.variant);
  }

  function record({ region, snapshot }: RegionPrices, decided: Decided, asking: Asking) {
    const { id, decision, forecast } = decided;
    decided.told = true;
    const entry = { id, decidedAt: asking.now, decision, region, snapshot, forecast };
    beside(asking, decisionLog.record(entry));
  }

  return {
    prepare(regionId, asking) {
      const { now } = asking;
      if (catalog.isDue(now)) beside(asking, catalog.beginRenewal());
      const graceMs = catalog.graceMs(now);
      const prepared = isPrepared(regionId, asking);
      if (prepared && graceMs === 0) return null;
      const coldSince = (catalog.hasAsked() && cellOf(regionId)?.coldSince) || catalog.coldSince();
      const patienceMs = Math.max(graceMs, prepared ? 0 : FIRST_WAIT_MS - (now - coldSince));
      if (patienceMs <= 0) return null;
      return until(() => catalog.graceMs(now) === 0 && isPrepared(regionId, asking), patienceMs);
    },

    tell(asked, asking, anew) {
      const { region_id, product_type } = asked;
      const { now, traceId } = asking;
      const cell = cellOf(region_id);
      if (!cell) {
        return { type: "unknown_region", detail: `No region is called ${region_id}.` };
      }
      const prices = cells.pricesOf(cell, now);
      const errors =
        asked.attributes && attributeFaults(prices.madeBy.rules.document, asked.attributes);
      if (errors && errors.length > 0) return { type: "invalid_request", errors };
      const given = asked.user_id === undefined ? null : board.given(asked);
      const tried = decidedInExperiment(prices, asked, given, anew);
      const decided = tried ?? (anew ? decideAnew(prices, asked) : decidedFor(prices, asked));
      if (!decided) {
        return { type: "unknown_product", detail: `${region_id} does not sell ${product_type}.` };
      }
      const cached = decided.told && !anew;
      if (!decided.told) record(prices, decided, asking);
      if (given !== null && tried !== null) {
        const exposedAt = prices.snapshot?.asOf ?? now;
        beside(asking, exposureLog.note(given, tried.decision.key, tried.id, exposedAt, now));
      }

      const { key, price } = decided.decision;
      // Rules alone price without features, so there are none that could be old.
      const stale =
        key.source !== "rules_only" &&
        prices.snapshot !== null &&
        now - prices.snapshot.madeAt > FEATURE_TTL_MS;
      metrics.count(key.source, stale, price.surgeMultiplier);
      return `${decided.head}${nonce()}","trace_id":"${traceId}","valid_until":"${validUntil(now)}","stale":${stale},"cached":${cached}}`;
    },

    pricesOf(regionId, now) {
      const cell = cellOf(regionId);
      return cell && cells.pricesOf(cell, now);
    },
  };
}

/** Lets work that was begun go on after the answer. */
function beside(asking: Asking, begun: Promise<unknown> | null): void {
  if (begun !== null) asking.waitUntil(begun);
}

let validUntilOf = Number.NaN;
let validUntilText = "";

/** Many requests share a millisecond; the text is made once for them. */
function validUntil(now: number): string {
  if (now !== validUntilOf) {
    validUntilOf = now;
    validUntilText = instantText(now + PRICE_VALID_MS);
  }
  return validUntilText;
}
