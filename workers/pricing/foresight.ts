/** The best forecast to be had for a snapshot, and how good it is. */

import type { Source } from "../../domain/decision.ts";
import { type DemandForecast, isCurrent } from "../../domain/forecast.ts";
import type { FeatureSnapshot } from "../../domain/snapshot.ts";
import type { LoadedModel } from "./model/load-model.ts";

export interface Foresight {
  forecast: DemandForecast | null;
  source: Source;
}

/** By the model; else the last forecast the region was told of, if any of it is still to come; else rules alone. */
export function foresee(
  snapshot: FeatureSnapshot | null,
  model: LoadedModel | null,
  onFailure: (error: unknown) => void,
): Foresight {
  if (!snapshot) return { forecast: null, source: "rules_only" };
  if (model) {
    try {
      return { forecast: model.forecast(snapshot), source: "model" };
    } catch (error) {
      onFailure(error);
    }
  }
  const { lastForecast, asOf } = snapshot;
  return lastForecast && isCurrent(lastForecast, asOf)
    ? { forecast: lastForecast, source: "last_forecast" }
    : { forecast: null, source: "rules_only" };
}
