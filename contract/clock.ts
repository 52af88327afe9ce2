/**
 * The event clock.
 *
 * Events, windows, watermarks and features live in event time. In production that is the wall clock. The local stack may
 * install a virtual clock through the VIRTUAL_CLOCK binding, which no wrangler.toml declares, so that a day of the past
 * plays in minutes. Caches, limits and quotes stay on the wall clock.
 */
import * as z from "zod";
import { type EpochMs, epochMs } from "../domain/units.ts";

export const virtualClockSchema = z.strictObject({
  /** Wall clock at which event time read `eventAt`. */
  wallAt: z.number().int(),
  eventAt: z.number().int(),
  /** Event milliseconds per wall millisecond. */
  speed: z.number().positive(),
});
export type VirtualClock = z.infer<typeof virtualClockSchema>;

export type Clock = () => EpochMs;

/** The event time that a virtual clock shows when the wall clock shows `wallAt`. */
export function eventTimeAt(clock: VirtualClock, wallAt: number): EpochMs {
  return epochMs(Math.round(clock.eventAt + (wallAt - clock.wallAt) * clock.speed));
}

/** The event clock of a Worker: `binding` is the JSON of a VirtualClock, or undefined in production. */
export function eventClockFrom(binding: string | undefined, wallNow: Clock): Clock {
  if (binding === undefined) return wallNow;
  const clock = virtualClockSchema.parse(JSON.parse(binding));
  return () => eventTimeAt(clock, wallNow());
}

/** Event milliseconds per wall millisecond: 1 in production. */
export function clockSpeedOf(binding: string | undefined): number {
  return binding === undefined ? 1 : virtualClockSchema.parse(JSON.parse(binding)).speed;
}
