import type { ByteReader, ByteWriter } from "./bytes.ts";
import { startOfLocalDay } from "./calendar.ts";
import {
  type Context,
  NO_CONTEXT,
  newer,
  type Reading,
  type Supply,
  VALIDITY_MS,
} from "./context.ts";
import { type DriverStatus, Drivers } from "./drivers.ts";
import type { DemandEvent } from "./event.ts";
import { ProductReadings } from "./product-readings.ts";
import { SupplySeries } from "./supply-series.ts";
import { DAY_MS, type EpochMs, HOUR_MS, type ProductType, plus } from "./units.ts";

/**
 * The latest outside reading of each kind that a region's events gave, those of its products, and the drivers on its streets.
 *
 * Order of arrival does not matter: the newer reading by event time stays. A sender whose clock is fast is taken to have
 * meant now, or its readings would lie in the future for ever.
 */
export class Readings {
  private latest: Context;
  private readonly drivers: Drivers;
  private readonly supplies: SupplySeries;
  private readonly products: ProductReadings;

  constructor(
    latest: Context = NO_CONTEXT,
    drivers = new Drivers(),
    supplies = new SupplySeries(latest.supply ? [latest.supply] : []),
    products = new ProductReadings(),
  ) {
    this.latest = latest;
    this.drivers = drivers;
    this.supplies = supplies;
    this.products = products;
  }

  /** Notes an event of supply-, external- or retail-events; `now` is the event clock. Other events say nothing here. */
  observe(event: DemandEvent, now: EpochMs): void {
    const observedAt = Math.min(event.occurredAt, now) as EpochMs;
    const { eventType } = event;
    if (eventType === "driver_location") {
      const { status } = fieldsOf(event);
      this.drivers.see(event.userHigh, event.userLow, observedAt, status as DriverStatus);
      return;
    }
    const reading = <Value>(value: Value, validMs: number): Reading<Value> => ({
      value,
      observedAt,
      validUntil: plus(observedAt, validMs),
    });
    const { latest } = this;
    if (eventType === "supply_update") {
      const { available, busy } = fieldsOf(event);
      const value = { available: Number(available), busy: Number(busy) };
      const supply = reading(value, VALIDITY_MS.supply);
      this.supplies.observe(supply);
      this.latest = { ...latest, supply: newer(latest.supply, supply) };
    } else if (eventType === "weather") {
      const { temp_f, precip_in } = fieldsOf(event);
      const value = { tempF: Number(temp_f), precipIn: Number(precip_in) };
      this.latest = {
        ...latest,
        weather: newer(latest.weather, reading(value, VALIDITY_MS.weather)),
      };
    } else if (eventType === "traffic") {
      const value = Number(fieldsOf(event).index);
      this.latest = {
        ...latest,
        traffic: newer(latest.traffic, reading(value, VALIDITY_MS.traffic)),
      };
    } else if (eventType === "local_event") {
      const { score, ends_at } = fieldsOf(event);
      const arrived = reading(Number(score), VALIDITY_MS.localEvent);
      if (typeof ends_at === "string") arrived.validUntil = Date.parse(ends_at) as EpochMs;
      this.latest = { ...latest, localEvent: newer(latest.localEvent, arrived) };
    } else if (eventType === "holiday") {
      const arrived = reading(String(fieldsOf(event).name), DAY_MS);
      this.latest = { ...latest, holiday: newer(latest.holiday, arrived) };
    } else if (event.productType !== null) {
      this.observeProduct(event, event.productType, observedAt);
    }
  }

  /** Takes in what `other` has, as if its events had come here. */
  addAll(other: Readings): void {
    const { latest } = other;
    const join = <Value>(kept: Reading<Value> | null, arrived: Reading<Value> | null) =>
      arrived ? newer(kept, arrived) : kept;
    this.latest = {
      supply: join(this.latest.supply, latest.supply),
      weather: join(this.latest.weather, latest.weather),
      traffic: join(this.latest.traffic, latest.traffic),
      localEvent: join(this.latest.localEvent, latest.localEvent),
      holiday: join(this.latest.holiday, latest.holiday),
    };
    this.drivers.addAll(other.drivers);
    for (const supply of other.supplies.readings()) this.supplies.observe(supply);
    this.products.addAll(other.products);
  }

  /**
   * What is known at `asOf`. A holiday lasts to the end of its local day. Where no supply_update is valid, the drivers
   * heard of in the last minutes are the supply.
   */
  contextAt(asOf: EpochMs, timeZone: string): Context {
    const { supply, holiday } = this.latest;
    return {
      ...this.latest,
      supply: supply && asOf < supply.validUntil ? supply : this.drivers.supplyAt(asOf),
      holiday: holiday && {
        ...holiday,
        validUntil: endOfLocalDay(holiday.observedAt, timeZone),
      },
      products: this.products.contextAt(asOf),
    };
  }

  /**
   * The supply at the end of a window: the last that was observed before it. Where no supply_update was valid, the drivers
   * heard of in the minutes before, by their latest status.
   */
  supplyAtEnd(endAt: EpochMs): Supply | null {
    return this.supplies.before(endAt) ?? this.drivers.supplyAt(endAt)?.value ?? null;
  }

  writeTo(writer: ByteWriter): void {
    const supplies = this.supplies.readings();
    writer.text(JSON.stringify(this.latest));
    this.drivers.writeTo(writer);
    writer.u32(supplies.length);
    for (const { value, observedAt, validUntil } of supplies) {
      writer.f64(observedAt);
      writer.f64(validUntil);
      writer.f64(value.available);
      writer.f64(value.busy);
    }
    this.products.writeTo(writer);
  }

  /** Reads what `writeTo` wrote; `hasProducts` is false for what was written before products were read. */
  static readFrom(reader: ByteReader, hasProducts = true): Readings {
    const latest = JSON.parse(reader.text()) as Context;
    const drivers = Drivers.readFrom(reader);
    const supplies = Array.from({ length: reader.u32() }, () => ({
      observedAt: reader.f64() as EpochMs,
      validUntil: reader.f64() as EpochMs,
      value: { available: reader.f64(), busy: reader.f64() },
    }));
    const products = hasProducts ? ProductReadings.readFrom(reader) : new ProductReadings();
    return new Readings(latest, drivers, new SupplySeries(supplies), products);
  }

  private observeProduct(event: DemandEvent, product: ProductType, observedAt: EpochMs): void {
    const { eventType } = event;
    if (eventType === "stock_level") {
      const { on_hand, daily_sales } = fieldsOf(event);
      const dailySales = daily_sales === undefined ? null : Number(daily_sales);
      this.products.stockIs(product, { onHand: Number(on_hand), dailySales }, observedAt);
    } else if (eventType === "price_change") {
      const { price, competitor } = fieldsOf(event);
      // Without a competitor it announces a price of our own, which is what a price is for and not what it comes from.
      if (typeof competitor !== "string") return;
      this.products.competitorAsks(product, competitor, Number(price), observedAt);
    }
  }
}

function endOfLocalDay(at: EpochMs, timeZone: string): EpochMs {
  // A day and a half after its beginning lies in the next day, whether the day has 23, 24 or 25 hours.
  return startOfLocalDay(plus(startOfLocalDay(at, timeZone), 36 * HOUR_MS), timeZone);
}

/** The metadata of an event. The door checked it: a field that is missing here is a bug, and reads as NaN. */
function fieldsOf(event: DemandEvent): Record<string, unknown> {
  return JSON.parse(event.metadata) as Record<string, unknown>;
}
