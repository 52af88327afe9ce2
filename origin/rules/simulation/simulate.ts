/** Rules over recorded days: every region, product and moment priced by both sides. */
import { offsetMsAt } from "../../../domain/calendar.ts";
import { decimalFrom } from "../../../domain/money.ts";
import type { Region } from "../../../domain/region.ts";
import { bookOf } from "../../../domain/rule-book.ts";
import type { VersionedRules } from "../../../domain/rules.ts";
import { DAY_MS, type EpochMs, MINUTE_MS, type MinorUnits, plus } from "../../../domain/units.ts";
import { Comparison, type Revenue } from "./comparison.ts";
import { Pricer } from "./pricer.ts";
import type { RegionSeries } from "./region-series.ts";
import type { RevenueJson, SimulationReport } from "./report.ts";
import { Tally } from "./tally.ts";

export interface SimulationSetup {
  /** Null: base prices, always. */
  before: VersionedRules | null;
  after: VersionedRules;
  fromAt: EpochMs;
  untilAt: EpochMs;
  everyMs: number;
  elasticity: number;
  /** What part of a region's bookings are for a product. */
  shareOf(region: Region, product: string): number;
}

export const BASE_PRICES = "base prices";
const BIN_WIDTH = 0.1;
const MOVERS = 12;

export class Simulation {
  private readonly setup: SimulationSetup;
  private readonly comparison: Comparison;
  private readonly tallies = { before: new Tally(), after: new Tally() };
  private decisions = 0;
  private regions = 0;

  constructor(setup: SimulationSetup) {
    this.setup = setup;
    this.comparison = new Comparison(setup.elasticity);
  }

  /** Prices the products of a region at every moment. Those that one of the two does not price are left out. */
  addRegion(region: Region, series: RegionSeries): void {
    const { before, after, fromAt, untilAt, everyMs, shareOf } = this.setup;
    const { regionId, timeZone } = region;
    const pricers = region.productTypes.flatMap((product) => {
      const now = bookOf(after.document).timelineOf(regionId, product);
      const old = before && bookOf(before.document).timelineOf(regionId, product);
      if (!now || (before && !old)) return [];
      return {
        after: new Pricer(now),
        before: old && new Pricer(old),
        share: shareOf(region, product),
        compare: this.comparison.place(regionId, product),
      };
    });
    if (pricers.length === 0) return;
    this.regions++;
    for (let asOf = fromAt; asOf < untilAt; asOf = plus(asOf, everyMs)) {
      const inputs = series.inputsAt(asOf);
      const bookings = series.bookingsBetween(asOf, plus(asOf, everyMs));
      const localDay = Math.floor((asOf + offsetMsAt(asOf, timeZone)) / DAY_MS);
      for (const pricer of pricers) {
        const price = pricer.after.priceAt(asOf, inputs);
        const old = pricer.before === null ? null : pricer.before.priceAt(asOf, inputs);
        if (price === null || (pricer.before !== null && old === null)) continue;
        this.decisions += old === null ? 1 : 2;
        this.tallies.after.add(price);
        if (old === null) this.tallies.before.addMultiplier(1);
        else this.tallies.before.add(old);
        pricer.compare({
          beforeMinor: old?.priceMinor ?? price.baseMinor,
          afterMinor: price.priceMinor,
          baseMinor: old?.baseMinor ?? price.baseMinor,
          currency: price.currency,
          units: bookings * pricer.share,
          localHour: inputs.localHour ?? 0,
          localDay,
        });
      }
    }
  }

  /** Everything so far. @param seconds that pricing took */
  report(seconds: number, assumptions: string[]): SimulationReport {
    const { before, after, fromAt, untilAt, everyMs, elasticity } = this.setup;
    const { comparison, tallies, decisions } = this;
    return {
      rules: { before: before?.version ?? BASE_PRICES, after: after.version },
      from: new Date(fromAt).toISOString(),
      until: new Date(untilAt).toISOString(),
      every_minutes: everyMs / MINUTE_MS,
      regions: this.regions,
      decisions,
      seconds,
      decisions_per_s: Math.round(decisions / seconds),
      assumptions,
      elasticity,
      before: tallies.before.summary(),
      after: tallies.after.summary(),
      revenue: [...comparison.revenue].map(([currency, sums]) => revenueJson(currency, sums)),
      histogram: histogramOf(tallies.before, tallies.after),
      hours: comparison.hours(),
      days: daysOf(comparison),
      movers: { places: comparison.places(MOVERS), hours: comparison.placesAndHours(MOVERS) },
    };
  }
}

function revenueJson(currency: string, sums: Revenue): RevenueJson {
  const decimal = (minor: number) => decimalFrom(Math.round(minor) as MinorUnits, currency);
  return {
    currency,
    units_before: Math.round(sums.unitsBefore),
    units_after: Math.round(sums.unitsAfter),
    before: decimal(sums.beforeMinor),
    after: decimal(sums.afterMinor),
    change: sums.beforeMinor === 0 ? 0 : sums.afterMinor / sums.beforeMinor - 1,
  };
}

function histogramOf(before: Tally, after: Tally): SimulationReport["histogram"] {
  const old = before.histogram(BIN_WIDTH);
  const now = after.histogram(BIN_WIDTH);
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort((a, b) => a - b)
    .map((multiplier) => ({
      multiplier,
      before: old.get(multiplier) ?? 0,
      after: now.get(multiplier) ?? 0,
    }));
}

function daysOf({ revenueByDay }: Comparison): SimulationReport["days"] {
  return [...revenueByDay].flatMap(([currency, days]) =>
    [...days]
      .sort(([a], [b]) => a - b)
      .map(([day, sums]) => {
        const { before, after } = revenueJson(currency, sums);
        const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
        return { date, currency, before, after };
      }),
  );
}
