import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "../test/support/stack.ts";

/** Counters by name, summed over Workers and labels. */
export type Counters = ReadonlyMap<string, number>;

const EVERY_MS = 2_000;

/**
 * Watches what the three Workers count. An object's counters begin again at 0 when it is started anew, so a counter that
 * falls is one that began again: what it shows then is its rise.
 */
export class CounterWatch {
  private readonly stack: Stack;
  private readonly rises = new Map<string, number>();
  private last = new Map<string, number>();
  private isOver = false;
  private watching: Promise<void> = Promise.resolve();

  private constructor(stack: Stack) {
    this.stack = stack;
  }

  /** Counts from now on. */
  static async start(stack: Stack): Promise<CounterWatch> {
    const watch = new CounterWatch(stack);
    watch.last = await readSeries(stack);
    watch.watching = watch.follow();
    return watch;
  }

  /** How much each counter rose since the start. */
  async stop(): Promise<Counters> {
    this.isOver = true;
    await this.watching;
    await this.sample();
    return this.rises;
  }

  private async follow(): Promise<void> {
    for (let left = EVERY_MS; !this.isOver; left -= 100) {
      await sleep(100);
      if (left > 0) continue;
      await this.sample();
      left = EVERY_MS;
    }
  }

  private async sample(): Promise<void> {
    const now = await readSeries(this.stack);
    for (const [series, value] of now) {
      const before = this.last.get(series) ?? 0;
      const name = series.replace(/\{.*/, "");
      const rise = value >= before ? value - before : value;
      this.rises.set(name, (this.rises.get(name) ?? 0) + rise);
    }
    this.last = now;
  }
}

/** A counter's rise. Throws when there is no such counter: a misspelt one would measure nothing. */
export function riseOf(name: string, rises: Counters): number {
  const rise = rises.get(name);
  if (rise === undefined) throw new Error(`there is no counter ${name}`);
  return rise;
}

/** The value of each series, labels in its name. */
async function readSeries(stack: Stack): Promise<Map<string, number>> {
  const series = new Map<string, number>();
  for (const url of [stack.ingestUrl, stack.aggregatorUrl]) {
    const response = await fetch(`${url}/metrics`, {
      headers: { authorization: `Bearer ${stack.keys.admin}` },
    });
    if (!response.ok) throw new Error(`metrics answered ${response.status}`);
    for (const line of (await response.text()).split("\n")) {
      const [, name, value] = /^([a-z_0-9]+(?:\{.*\})?) ([0-9.e+-]+)$/.exec(line) ?? [];
      if (name !== undefined) series.set(name, Number(value));
    }
  }
  return series;
}
