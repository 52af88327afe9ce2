import type { RangeBounds } from "./next-range.ts";

/** About 250,000 events, which take some 100 MB on their way to Parquet. */
export const BRONZE_BOUNDS: RangeBounds = { maxBytes: 8 * 1024 * 1024, maxSegments: 500 };
