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

/** The windows of a width that end after `afterAt` and not after `upToAt`, oldest first, empty ones among them. */
export function windowsEnding(
  windows: WindowCounts,
  afterAt: number,
  upToAt: number,
  widthMs: number,
): DemandWindow[] {
  const closed: DemandWindow[] = [];
  const first = (Math.floor(afterAt / widthMs) + 1) * widthMs;
  for (let endAt = first; endAt <= upToAt; endAt += widthMs) {
    closed.push(demandWindow(windows, (endAt - widthMs) as EpochMs, widthMs));
  }
  return closed;
}

function demandWindow(windows: WindowCounts, startAt: EpochMs, widthMs: number): DemandWindow {
  const count = (type: CountedType) => windows.between(type, startAt, startAt + widthMs);
  const counts = Object.fromEntries(COUNTED_TYPES.map((type) => [type, count(type)]));
  return { startAt, widthMs, counts: counts as Record<CountedType, number> };
}
