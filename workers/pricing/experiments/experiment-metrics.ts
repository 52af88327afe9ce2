/** Experiments in numbers: users of each variant, and whether they are split as the weights say. */
import type { Metrics } from "../../../contract/metrics.ts";
import type { ExperimentsDocument } from "../../../domain/experiment.ts";
import { isSampleRatioMismatch } from "../../../domain/sample-ratio.ts";
import { MINUTE_MS } from "../../../domain/units.ts";
import type { ExposureCount } from "./exposure-store.ts";

export interface ExperimentMetrics {
  /** True when it is time to ask D1 how many users there are; then not for a minute. */
  isDue(now: number): boolean;
  /** Takes note of what D1 holds. */
  counted(counts: readonly ExposureCount[]): void;
}

export function experimentMetrics(
  metrics: Metrics,
  documentInForce: () => ExperimentsDocument | null,
): ExperimentMetrics {
  let dueAt = 0;
  let known: readonly ExposureCount[] = [];
  const usersOf = (experiment: string, variant: string) =>
    known.find((one) => one.experiment === experiment && one.variant === variant)?.users ?? 0;
  const isMismatched = (id: string) => {
    const experiment = documentInForce()?.experiments.find((one) => one.experimentId === id);
    return isSampleRatioMismatch(
      (experiment?.variants ?? []).map(({ name, weight }) => ({
        users: usersOf(id, name),
        weight,
      })),
    );
  };
  return {
    isDue(now) {
      if (now < dueAt) return false;
      dueAt = now + MINUTE_MS;
      return true;
    },
    counted(counts) {
      known = counts;
      for (const { experiment, variant } of counts) {
        metrics.gauge(
          "pricing_experiment_users",
          "Users of a variant since its experiment began, as of a minute ago at most.",
          () => usersOf(experiment, variant),
          { experiment, variant },
        );
        metrics.gauge(
          "pricing_experiment_sample_ratio_mismatch",
          "1 where users are not split as the weights say: nothing that is measured can be trusted.",
          () => (isMismatched(experiment) ? 1 : 0),
          { experiment },
        );
      }
    },
  };
}
