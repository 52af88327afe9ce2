import type { EpochMs } from "../../domain/units.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { type EdgeFault, isEdgeFault } from "../edge/ask-edge.ts";
import { type LogReading, readNextRange } from "./read-log.ts";

/** What one round over all writers did. */
export interface LogRound {
  segments: number;
  bytes: number;
  /** Segments that are there and not done with. */
  behindSegments: number;
  /** How long the oldest of them has been there. */
  behindS: number;
  /** Of the writers that could not be read; the others were. */
  faults: EdgeFault[];
}

/** Reads the next range of every writer. */
export async function readRound(reading: LogReading, signal: AbortSignal): Promise<LogRound> {
  const round: LogRound = { segments: 0, bytes: 0, behindSegments: 0, behindS: 0, faults: [] };
  const writers = await reading.client.readWriters();
  if (isEdgeFault(writers)) return { ...round, faults: [writers] };
  for (const writer of writers) {
    if (signal.aborted) break;
    const step = await readNextRange(reading, writer);
    if (isEdgeFault(step)) {
      round.faults.push(step);
      continue;
    }
    round.segments += step.segments;
    round.bytes += step.bytes;
    if (step.behind === null) continue;
    round.behindSegments += step.behind.segments;
    round.behindS = Math.max(round.behindS, secondsSince(step.behind.since, reading.wallNow()));
  }
  return round;
}

function secondsSince(at: number, now: EpochMs): number {
  return Math.max(0, (now - at) / SECOND_MS);
}
