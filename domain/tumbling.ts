import { type EpochMs, MINUTE_MS } from "./units.ts";
import { COUNTED_TYPES, type CountedType, type WindowCounts } from "./window.ts";

export const TUMBLING_WIDTHS_MS = [MINUTE_MS, 5 * MINUTE_MS] as const;

/** A tumbling window, half-open: [startAt, startAt + widthMs), on a multiple of its width. */
export interface DemandWindow {
  startAt: EpochMs;
  widthMs: number;
  counts: Record<CountedType, number>;
}

/** True when the watermark has passed the window's end: what still falls into it is a correction. */
export function isClosed(
  { startAt, widthMs }: Pick<DemandWindow, "startAt" | "widthMs">,
  watermarkAt: number,
): boolean {
  return startAt + widthMs <= watermarkAt;
}

/** How far back closed windows are told; the ring of counts reaches further by the lead of fast clocks. */
const TOLD_BACK_MS = 30 * MINUTE_MS;

/**
 * The windows that close when the watermark moves from `fromAt` to `toAt`, oldest first, empty ones among them. After a
 * longer silence only those that begin in the last 30 minutes: nothing was counted before.
 */
export function closedWindows(
  windows: WindowCounts,
  fromAt: number,
  toAt: number,
  widthMs: number,
): DemandWindow[] {
  const after = Math.max(fromAt, toAt - TOLD_BACK_MS + widthMs - 1);
  const closed: DemandWindow[] = [];
  for (let endAt = (Math.floor(after / widthMs) + 1) * widthMs; endAt <= toAt; endAt += widthMs) {
    closed.push(demandWindow(windows, (endAt - widthMs) as EpochMs, widthMs));
  }
  return closed;
}

function demandWindow(windows: WindowCounts, startAt: EpochMs, widthMs: number): DemandWindow {
  const count = (type: CountedType) => windows.between(type, startAt, startAt + widthMs);
  const counts = Object.fromEntries(COUNTED_TYPES.map((type) => [type, count(type)]));
  return { startAt, widthMs, counts: counts as Record<CountedType, number> };
}
