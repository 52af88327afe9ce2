/**
 * Work that runs once at a time: whoever asks while it runs gets the run that is under way.
 *
 * A run belongs to the request that began it. The runtime may drop a request with everything it waits for, so a run that
 * lasts longer than it ever should is given up, and the next one who asks begins another.
 */
export interface SingleFlight {
  run(): Promise<void>;
}

export function createSingleFlight(
  work: () => Promise<void>,
  wallNow: () => number,
  longestMs: number,
): SingleFlight {
  let flight: { promise: Promise<void>; startedAt: number } | null = null;
  return {
    run() {
      const now = wallNow();
      if (flight && now - flight.startedAt < longestMs) return flight.promise;
      const promise = work().finally(() => {
        if (flight?.promise === promise) flight = null;
      });
      flight = { promise, startedAt: now };
      return promise;
    },
  };
}
