/** Prices served, by how good their basis was, and how far from the base price they are. */
import type { Counter, Metrics } from "../../contract/metrics.ts";
import { SOURCES, type Source } from "../../domain/decision.ts";

export interface PriceMetrics {
  count(source: Source, stale: boolean, surgeMultiplier: number): void;
}

const MULTIPLIER_BOUNDS = [0.8, 0.9, 1, 1.1, 1.25, 1.5, 1.75, 2, 2.5, 3];

export function createPriceMetrics(metrics: Metrics): PriceMetrics {
  const served = (stale: boolean) =>
    Object.fromEntries(
      SOURCES.map((source) => [
        source,
        metrics.counter("pricing_prices_total", "Prices told, by the basis they were made on.", {
          source,
          stale: String(stale),
        }),
      ]),
    ) as Record<Source, Counter>;
  const current = served(false);
  const old = served(true);
  const multiplier = metrics.histogram(
    "pricing_price_multiplier",
    "Price told over base price.",
    MULTIPLIER_BOUNDS,
  );
  return {
    count(source, stale, surgeMultiplier) {
      (stale ? old : current)[source].value += 1;
      multiplier.observe(surgeMultiplier);
    },
  };
}
