/**
 * Work that is done once at a time, for all who want it done.
 *
 * A run belongs to the request that began it, which alone waits for it: the runtime drops promises with their request, so
 * none may depend on another's. For the same reason a run that lasts longer than it ever should is given up, and the
 * next one who asks begins another.
 */
export interface SingleFlight {
  /** Begins a run; null when one is under way. */
  begin(): Promise<void> | null;
  isUnderWay(): boolean;
}

export function createSingleFlight(
  work: () => Promise<void>,
  wallNow: () => number,
  longestMs: number,
): SingleFlight {
  let flight: { startedAt: number } | null = null;
  const isUnderWay = () => flight !== null && wallNow() - flight.startedAt < longestMs;
  return {
    isUnderWay,
    begin() {
      if (isUnderWay()) return null;
      const own = { startedAt: wallNow() };
      flight = own;
      return work().finally(() => {
        if (flight === own) flight = null;
      });
    },
  };
}

const LOOK_EVERY_MS = 5;

/** Done once `isDone`, or when about `limitMs` have passed. How one request waits for what another is at. */
export async function until(isDone: () => boolean, limitMs: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < limitMs && !isDone(); waitedMs += LOOK_EVERY_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
