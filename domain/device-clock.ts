import type { EpochMs } from "./units.ts";

/**
 * When an event happened whose device says `deviceAt`: nothing happens after `now`, so a clock that runs ahead by up to
 * `clampMs` is taken to mean now. Null when it runs further ahead, for then it tells nothing.
 */
export function occurredAtFrom(deviceAt: EpochMs, now: EpochMs, clampMs: number): EpochMs | null {
  if (deviceAt <= now) return deviceAt;
  return deviceAt - now <= clampMs ? now : null;
}
