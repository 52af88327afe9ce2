/** Prices asked for at their rate, whatever the answers take; beside them what else goes through the pricing Worker. */
import type { PriceAnswer } from "../../contract/pricing.ts";
import type { Stack } from "./stack.ts";

export interface PriceTold {
  regionId: string;
  source: PriceAnswer["source"];
  stale: boolean;
  /** It was not answered from memory at once. */
  hasWaited: boolean;
  /** When it was asked for, epoch milliseconds. */
  at: number;
  /** From when it was due to when it was read. */
  tookMs: number;
  requestId: string;
}

export interface PriceLoadOptions {
  stack: Stack;
  regions: readonly string[];
  pricesPerS: number;
}

const PRODUCTS = ["standard_ride", "premium_ride"];
const USERS = 40;
/** Every so many prices one is a page's, under the limits of its user and address. */
const PUBLIC_EVERY = 4;
/** Every so many prices something else is asked for too. */
const ASIDE_EVERY = 50;
const GIVE_UP_MS = 20_000;
const TURN_MS = 10;

export class PriceLoad {
  private readonly options: PriceLoadOptions;
  private readonly timer: { handle: NodeJS.Timeout | null } = { handle: null };
  private readonly underWay = new Set<Promise<void>>();
  private readonly latestByRegion = new Map<string, PriceTold>();
  private told: PriceTold[] = [];
  private failed: string[] = [];
  private count = 0;

  constructor(options: PriceLoadOptions) {
    this.options = options;
  }

  start(): void {
    const { pricesPerS } = this.options;
    const startedAt = performance.now();
    this.timer.handle = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) * pricesPerS) / 1_000);
      while (this.count < due) {
        this.send(startedAt + ((this.count + 1) * 1_000) / pricesPerS);
        this.count += 1;
      }
    }, TURN_MS);
  }

  /** Sends no more, and waits for what is out. */
  async stop(): Promise<void> {
    if (this.timer.handle) clearInterval(this.timer.handle);
    await Promise.all(this.underWay);
  }

  /** The prices told since it was asked last, by when they were answered. */
  take(): PriceTold[] {
    const { told } = this;
    this.told = [];
    return told;
  }

  /** Answers that were no prices, ever, and requests without an answer. */
  failures(): readonly string[] {
    return this.failed;
  }

  /** The newest price of each region since they were forgotten. */
  latest(): PriceTold[] {
    return [...this.latestByRegion.values()];
  }

  forgetLatest(): void {
    this.latestByRegion.clear();
  }

  private send(dueAt: number): void {
    const n = this.count;
    this.follow(this.price(n, dueAt));
    if (n % ASIDE_EVERY === 0) this.follow(this.aside(n));
  }

  private follow(work: Promise<void>): void {
    const followed = work
      .catch((error: unknown) => void this.failed.push(String(error)))
      .finally(() => this.underWay.delete(followed));
    this.underWay.add(followed);
  }

  private async price(n: number, dueAt: number): Promise<void> {
    const { regions, stack } = this.options;
    const regionId = regions[n % regions.length] ?? "";
    const isPublic = n % PUBLIC_EVERY === 0;
    const at = Date.now();
    const response = await fetch(`${stack.pricingUrl}/api/v1/pricing/compute`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${isPublic ? stack.keys.public : stack.keys.pricing}`,
        "content-type": "application/json",
        "cf-connecting-ip": `10.1.${n % 256}.${(n >> 8) % 256}`,
      },
      body: JSON.stringify({
        region_id: regionId,
        product_type: PRODUCTS[(n >> 4) % PRODUCTS.length],
        user_id: `u-${n % USERS}`,
      }),
      signal: AbortSignal.timeout(GIVE_UP_MS),
    });
    const text = await response.text();
    if (response.status !== 200) {
      this.failed.push(`${response.status}: ${text}`);
      return;
    }
    const { source, stale, request_id }: PriceAnswer = JSON.parse(text);
    const tookMs = performance.now() - dueAt;
    const hasWaited = response.headers.get("server-timing") !== 'memory;desc="hit"';
    const told = { regionId, source, stale, hasWaited, at, tookMs, requestId: request_id };
    this.told.push(told);
    if (at >= (this.latestByRegion.get(regionId)?.at ?? 0)) this.latestByRegion.set(regionId, told);
  }

  /** An explanation and an event: what asks D1 and ingest. They may say that these are not there. */
  private async aside(n: number): Promise<void> {
    const { stack, regions } = this.options;
    const authorization = `Bearer ${stack.keys.admin}`;
    const signal = AbortSignal.timeout(GIVE_UP_MS);
    const [{ requestId } = { requestId: "" }] = this.latestByRegion.values();
    const explained = await fetch(
      `${stack.pricingUrl}/api/v1/pricing/explain?request_id=${encodeURIComponent(requestId)}`,
      { headers: { authorization }, signal },
    );
    await explained.arrayBuffer();
    const posted = await fetch(`${stack.pricingUrl}/api/v1/events`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({
        event_type: "search",
        region_id: regions[(n / ASIDE_EVERY) % regions.length],
        timestamp: new Date().toISOString(),
        idempotency_key: `aside-${n}`,
      }),
      signal,
    });
    await posted.arrayBuffer();
  }
}
