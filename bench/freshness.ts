/** From the 202 of an event to its being seen in /demand, while other events stream past. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "../test/support/stack.ts";
import { bookingsOf, eventStream, postEvents } from "./events.ts";
import { percentile } from "./table.ts";

export interface FreshnessResult {
  probes: number;
  backgroundEventsPerS: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

const BODY_EVENTS = 500;

/** The first region is probed; the others carry the background load. */
export async function benchFreshness(
  stack: Stack,
  [probed = "", ...others]: readonly string[],
  options: { probes: number; backgroundEventsPerS: number },
): Promise<FreshnessResult> {
  const background = eventStream(others, `background-${Date.now()}`);
  const probe = eventStream([probed], `probe-${Date.now()}`);
  let done = false;
  const everyMs = (BODY_EVENTS * 1_000) / options.backgroundEventsPerS;
  const stream = async () => {
    for (let sent = 0, startedAt = performance.now(); !done; sent++) {
      await postEvents(stack, background.next(BODY_EVENTS, Date.now()));
      await sleep(Math.max(0, startedAt + (sent + 1) * everyMs - performance.now()));
    }
  };
  const measure = async () => {
    const lagsMs: number[] = [];
    let known = await bookingsOf(stack, probed);
    for (let i = 0; i < options.probes; i++) {
      const sentBefore = probe.expected.get(probed) ?? 0;
      // A repeat shows nothing; only a new booking is a probe.
      while ((probe.expected.get(probed) ?? 0) === sentBefore) {
        await postEvents(stack, probe.next(1, Date.now()));
      }
      const acceptedAt = performance.now();
      while ((await bookingsOf(stack, probed)) === known) await sleep(5);
      lagsMs.push(performance.now() - acceptedAt);
      known++;
      await sleep(50 + ((i * 37) % 100));
    }
    done = true;
    return lagsMs;
  };
  const [lagsMs] = await Promise.all([measure(), stream()]);
  return {
    probes: lagsMs.length,
    backgroundEventsPerS: options.backgroundEventsPerS,
    p50Ms: percentile(lagsMs, 0.5),
    p99Ms: percentile(lagsMs, 0.99),
    maxMs: Math.max(...lagsMs),
  };
}
