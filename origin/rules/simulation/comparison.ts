/** Two ways to price the same moments, added up: by region and product, by hour, by day. */
import type { MoverJson } from "./report.ts";

/** Sums over moments. Money in minor units. */
class Sums {
  moments = 0;
  before = 0;
  after = 0;

  add(before: number, after: number): void {
    this.moments++;
    this.before += before;
    this.after += after;
  }

  get change(): number {
    return this.before === 0 ? 0 : this.after / this.before - 1;
  }
}

/** What was taken, and how much was sold. */
export interface Revenue {
  unitsBefore: number;
  unitsAfter: number;
  beforeMinor: number;
  afterMinor: number;
}

interface Moment {
  beforeMinor: number;
  afterMinor: number;
  baseMinor: number;
  currency: string;
  /** Bookings that were recorded, at the price before. */
  units: number;
  localHour: number;
  /** Local days since the epoch. */
  localDay: number;
}

export class Comparison {
  readonly revenue = new Map<string, Revenue>();
  readonly revenueByDay = new Map<string, Map<number, Revenue>>();
  private readonly multiplierByHour = Array.from({ length: 24 }, () => new Sums());
  private readonly byPlace = new Map<string, Sums>();
  private readonly byPlaceAndHour = new Map<string, Sums[]>();
  private readonly elasticity: number;

  constructor(elasticity: number) {
    this.elasticity = elasticity;
  }

  /** The sums of one region and product; `add` of it takes moments. */
  place(regionId: string, product: string): (moment: Moment) => void {
    const place = `${regionId} ${product}`;
    const sums = new Sums();
    const hours = Array.from({ length: 24 }, () => new Sums());
    this.byPlace.set(place, sums);
    this.byPlaceAndHour.set(place, hours);
    return (moment) => {
      const { beforeMinor, afterMinor, baseMinor, localHour } = moment;
      sums.add(beforeMinor, afterMinor);
      hours[localHour]?.add(beforeMinor, afterMinor);
      this.multiplierByHour[localHour]?.add(beforeMinor / baseMinor, afterMinor / baseMinor);
      if (moment.units > 0) this.sell(moment);
    };
  }

  /** Mean multiplier by local hour. */
  hours(): { hour: number; before: number; after: number }[] {
    return this.multiplierByHour.flatMap(({ moments, before, after }, hour) =>
      moments === 0 ? [] : [{ hour, before: before / moments, after: after / moments }],
    );
  }

  /** Regions and products whose mean price changes most. */
  places(count: number): MoverJson[] {
    return topOf(
      [...this.byPlace].map(([place, sums]) => moverOf(place, null, sums)),
      count,
    );
  }

  /** The hours of regions and products whose mean price changes most. */
  placesAndHours(count: number): MoverJson[] {
    const all = [...this.byPlaceAndHour].flatMap(([place, hours]) =>
      hours.map((sums, hour) => moverOf(place, hour, sums)),
    );
    return topOf(all, count);
  }

  private sell({ units, beforeMinor, afterMinor, currency, localDay }: Moment): void {
    const unitsAfter =
      beforeMinor === afterMinor ? units : units * (afterMinor / beforeMinor) ** this.elasticity;
    const days = this.revenueByDay.get(currency) ?? new Map<number, Revenue>();
    this.revenueByDay.set(currency, days);
    for (const revenue of [sumsIn(this.revenue, currency), sumsIn(days, localDay)]) {
      revenue.unitsBefore += units;
      revenue.unitsAfter += unitsAfter;
      revenue.beforeMinor += units * beforeMinor;
      revenue.afterMinor += unitsAfter * afterMinor;
    }
  }
}

/** The sums under a key, made where there are none. */
function sumsIn<Key>(sums: Map<Key, Revenue>, key: Key): Revenue {
  let revenue = sums.get(key);
  if (!revenue) {
    revenue = { unitsBefore: 0, unitsAfter: 0, beforeMinor: 0, afterMinor: 0 };
    sums.set(key, revenue);
  }
  return revenue;
}

function moverOf(place: string, hour: number | null, sums: Sums): MoverJson {
  const [region = "", product = ""] = place.split(" ");
  return { region, product, hour, moments: sums.moments, change: sums.change };
}

function topOf(movers: MoverJson[], count: number): MoverJson[] {
  return movers
    .filter(({ moments, change }) => moments > 0 && change !== 0)
    .sort((a, b) => Math.abs(b.change) - Math.abs(a.change))
    .slice(0, count);
}
