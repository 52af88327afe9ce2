/** Keeps processes running, until told to stop or until starting them again does not help. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { SECOND_MS } from "../domain/units.ts";
import { type ChildSpec, type RunningChild, startChild } from "./child.ts";
import { CrashBudget } from "./crash-budget.ts";

const STOP_PATIENCE_MS = 5 * SECOND_MS;
const FIRST_PAUSE_MS = 100;
const LOG_TAIL_LINES = 12;

export interface SupervisedChild extends ChildSpec {
  /** Children of a later stage use those of an earlier one, and are stopped before them. */
  stage: number;
  onMessage?(message: unknown): void;
  /** Runs before a crashed child is started again. */
  beforeRestart?(): Promise<void>;
}

export interface Supervisor {
  /** Starts a child, and starts it again whenever it ends. */
  keep(child: SupervisedChild): void;
  /** Counts a crash that whoever had it got over by itself. */
  noteCrash(name: string, reason: string): void;
  /** Stops every child, the latest stage first. */
  stop(exitCode: number): Promise<void>;
  /** The exit code, once every child is gone. */
  readonly ended: Promise<number>;
}

export interface SupervisorOptions {
  /** So many crashes within a minute mean that starting again does not help. */
  maxCrashes: number;
  /** Prints a line for whoever watches. */
  say(line: string): void;
  /** Any clock that runs evenly, in milliseconds. */
  now(): number;
}

export function createSupervisor({ maxCrashes, say, now }: SupervisorOptions): Supervisor {
  const running = new Map<SupervisedChild, RunningChild>();
  const crashes = new CrashBudget();
  const end = Promise.withResolvers<number>();
  let stopping: Promise<void> | null = null;

  function noteCrash(name: string, reason: string): number {
    const recent = crashes.note(now());
    if (recent < maxCrashes) {
      say(`${name} ended (${reason}); starting it again on the same data.`);
    } else if (stopping === null) {
      say(`${name} ended (${reason}). That is ${recent} crashes within a minute: stopping.`);
      void stop(1);
    }
    return recent;
  }

  async function keepRunning(spec: SupervisedChild): Promise<void> {
    while (stopping === null) {
      const child = startChild(spec, (message) => spec.onMessage?.(message));
      running.set(spec, child);
      const reason = await child.ended;
      running.delete(spec);
      if (stopping !== null) return;
      say(await tailOf(spec.logFile));
      const recent = noteCrash(spec.name, reason);
      await sleep(FIRST_PAUSE_MS * 2 ** (recent - 1));
      await spec.beforeRestart?.();
    }
  }

  async function stopAll(exitCode: number): Promise<void> {
    const stages = [...running.keys()].map(({ stage }) => stage);
    for (const stage of [...new Set(stages)].sort((a, b) => b - a)) {
      const children = [...running].filter(([spec]) => spec.stage === stage);
      await Promise.all(children.map(([, child]) => child.stop(STOP_PATIENCE_MS)));
    }
    end.resolve(exitCode);
  }

  function stop(exitCode: number): Promise<void> {
    stopping ??= stopAll(exitCode);
    return stopping;
  }

  return {
    keep: (spec) => void keepRunning(spec).catch(end.reject),
    noteCrash,
    stop,
    ended: end.promise,
  };
}

/** The end of a log, indented; for most crashes the reason stands there. */
async function tailOf(path: string): Promise<string> {
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n").slice(-LOG_TAIL_LINES);
  return [`--- ${path}`, ...lines.map((line) => `    ${line.slice(0, 500)}`)].join("\n");
}
