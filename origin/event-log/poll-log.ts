/** Follows the event log for as long as a service runs. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { messageOf } from "../../contract/log.ts";
import type { Metrics } from "../../contract/metrics.ts";
import { MINUTE_MS, SECOND_MS } from "../../domain/units.ts";
import { createLogMetrics } from "./log-metrics.ts";
import type { LogReading } from "./read-log.ts";
import { type LogRound, readRound } from "./read-round.ts";

const POLL_MS = 3 * SECOND_MS;
const LONGEST_PAUSE_MS = MINUTE_MS;

export interface PollPorts {
  /** Gaps and losses are said here. */
  reading: Omit<LogReading, "onGap" | "onLoss">;
  log: Logger;
  metrics: Metrics;
  /** Done between two rounds; what it throws is said, and it is called again. */
  betweenRounds?(): Promise<void>;
}

/** Reads what is new every few seconds, and more rarely while it cannot be read; until `signal`. */
export async function pollLog(ports: PollPorts, signal: AbortSignal): Promise<void> {
  const { log, metrics, betweenRounds } = ports;
  const { reader } = ports.reading;
  const name = reader === "decisions" ? "the decision log" : "the event log";
  const told = createLogMetrics(metrics, reader);
  const reading: LogReading = {
    ...ports.reading,
    onGap(gap) {
      told.gap();
      log.error({ reader, ...gap }, `segments of ${name} are missing`);
    },
    onLoss(loss) {
      told.lost(loss.last - loss.first + 1);
      log.error({ reader, ...loss }, `segments of ${name} are gone past unread`);
    },
  };
  /** What was read, or null when something could not be. */
  const oneRound = async (): Promise<LogRound | null> => {
    try {
      const round = await readRound(reading, signal);
      if (signal.aborted) return round;
      told.round(round);
      for (const fault of round.faults) {
        log.warn({ reader, ...fault }, `${name} could not be read`);
      }
      await betweenRounds?.();
      return round.faults.length === 0 ? round : null;
    } catch (error) {
      told.failed();
      // What fails now may work in a while, and everything begun is repeatable.
      log.error({ reader, error: messageOf(error) }, `${name} could not be taken in`);
      return null;
    }
  };

  let pauseMs = POLL_MS;
  while (!signal.aborted) {
    const round = await oneRound();
    pauseMs = round === null ? Math.min(2 * pauseMs, LONGEST_PAUSE_MS) : POLL_MS;
    if (round !== null && round.segments > 0 && round.behindSegments > 0) continue;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
