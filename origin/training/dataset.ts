import { FEATURE_NAMES, featuresFrom, HORIZONS_MS } from "../../domain/features.ts";
import { type EpochMs, QUARTER_HOUR_MS } from "../../domain/units.ts";
import { pastSignals, type RegionHistory } from "./demand-history.ts";
import { createTrainingMatrix, type TrainingMatrix } from "./training-matrix.ts";

/** Forecasts are made at `fromAt` and every quarter hour after it, as long as what they forecast ends by `untilAt`. */
export interface OriginRange {
  readonly fromAt: EpochMs;
  readonly untilAt: EpochMs;
}

/**
 * Features and targets of every region at every origin. Rows ascend by time, and within an instant follow the
 * regions, so a split of the rows is a split of time.
 */
export interface Dataset {
  readonly matrix: TrainingMatrix;
  readonly regions: readonly RegionHistory[];
  readonly origins: readonly EpochMs[];
}

/** How far ahead of its origin a row's targets reach. */
export const LONGEST_HORIZON_MS = Math.max(...HORIZONS_MS);

/**
 * Calls the same `featuresFrom` that serves, at each origin of the past; the targets are the bookings of the quarter
 * hours that end at its horizons.
 */
export function datasetFrom(
  regions: readonly RegionHistory[],
  range: OriginRange,
  onProgress: (share: number) => void = () => undefined,
): Dataset {
  const origins = originsOf(range);
  const rowCount = origins.length * regions.length;
  const matrix = createTrainingMatrix(rowCount, FEATURE_NAMES, HORIZONS_MS.length);
  origins.forEach((asOf, index) => {
    regions.forEach((region, place) => {
      fillRow(matrix, index * regions.length + place, region, asOf);
    });
    onProgress((index + 1) / origins.length);
  });
  return { matrix, regions, origins };
}

/** How many rows have all their targets behind `at`. */
export function rowsKnownAt({ origins, regions }: Dataset, at: EpochMs): number {
  return origins.filter((asOf) => asOf + LONGEST_HORIZON_MS <= at).length * regions.length;
}

function originsOf({ fromAt, untilAt }: OriginRange): EpochMs[] {
  const count = Math.floor((untilAt - LONGEST_HORIZON_MS - fromAt) / QUARTER_HOUR_MS) + 1;
  return Array.from(
    { length: Math.max(0, count) },
    (_, index) => (fromAt + index * QUARTER_HOUR_MS) as EpochMs,
  );
}

function fillRow(matrix: TrainingMatrix, row: number, region: RegionHistory, asOf: EpochMs): void {
  const { bookings, timeZone } = region;
  const { values } = featuresFrom({
    timeZone,
    history: bookings,
    signals: pastSignals(bookings, asOf),
    liveSince: bookings.startAt,
    context: region.contextAt(asOf),
  });
  values.forEach((value, feature) => {
    matrix.values[feature * matrix.rowCount + row] = value;
  });
  HORIZONS_MS.forEach((horizonMs, output) => {
    const endAt = asOf + horizonMs;
    const target = bookings.between(endAt - QUARTER_HOUR_MS, endAt);
    matrix.targets[row * matrix.outputCount + output] = target;
  });
}
