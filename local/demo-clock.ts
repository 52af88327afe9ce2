/** The virtual clock of the New York demo, and its position between runs. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { eventTimeAt, type VirtualClock } from "../contract/clock.ts";
import { NEW_YORK_TO_UTC_MS } from "../data/nyc/period.ts";
import { epochMs, SECOND_MS } from "../domain/units.ts";
import { isMissing, replaceFile } from "./replace-file.ts";

/** Monday 19 May 2014, 16:00 New York: an hour before the evening peak. */
const DEMO_START_AT = epochMs(Date.UTC(2014, 4, 19, 16) + NEW_YORK_TO_UTC_MS);

const positionSchema = z.object({ event_at: z.number().int() });

/** The clock that carries on from the saved position, or begins the demo. */
export async function loadDemoClock(
  path: string,
  speed: number,
  wallNow: number,
): Promise<VirtualClock> {
  return { wallAt: wallNow, eventAt: (await savedPosition(path)) ?? DEMO_START_AT, speed };
}

const SAVE_EVERY_MS = SECOND_MS;
/** A saved position is this far ahead, so that a run that is killed between two saves is never behind itself. */
const RESERVED_MS = 3 * SECOND_MS;

export interface ClockSaver {
  /** Saves where the clock stands. */
  stop(): Promise<void>;
}

/** Saves the clock's position about every second. `onError` hears of a save that failed. */
export function keepClockSaved(
  path: string,
  clock: VirtualClock,
  wallNow: () => number,
  onError: (error: unknown) => void,
): ClockSaver {
  const save = (aheadMs: number) =>
    replaceFile(path, `${JSON.stringify({ event_at: eventTimeAt(clock, wallNow() + aheadMs) })}\n`);
  let saving = save(RESERVED_MS).catch(onError);
  const timer = setInterval(() => {
    saving = saving.then(() => save(RESERVED_MS)).catch(onError);
  }, SAVE_EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      await saving;
      await save(0);
    },
  };
}

async function savedPosition(path: string): Promise<number | null> {
  try {
    return positionSchema.parse(JSON.parse(await readFile(path, "utf8"))).event_at;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
