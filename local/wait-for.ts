import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 100;
const ANSWER_LIMIT_MS = 2_000;

/** True once a GET of `url` answers 2xx; false when `signal` ends the wait. `onWait` hears every other answer. */
export async function waitForOk(
  url: string,
  signal: AbortSignal,
  onWait: (answer: string) => void = () => undefined,
): Promise<boolean> {
  while (!signal.aborted) {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]);
      const response = await fetch(url, { signal: limit });
      const text = await response.text();
      if (response.ok) return true;
      onWait(text);
    } catch (error) {
      // Nobody listens yet, or again; that is what this waits for.
      if (!(error instanceof Error)) throw error;
    }
    await sleep(POLL_MS);
  }
  return false;
}
