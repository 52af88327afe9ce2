import type { Platform } from "./platform.ts";

/** Who waits until certain events are settled. */
export class Flushes<Event> {
  readonly #schedule: Platform["schedule"];
  readonly #open = new Map<() => void, Set<Event>>();

  constructor(schedule: Platform["schedule"]) {
    this.#schedule = schedule;
  }

  /** Resolves once every event that `begin` answers, when it resolves, is settled, or after `timeoutMs`, or on `endAll`. */
  until(begin: () => Promise<Iterable<Event>>, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let hasEnded = false;
      const end = () => {
        hasEnded = true;
        cancelTimeout();
        this.#open.delete(end);
        resolve();
      };
      // Keeps a process alive: who awaits a flush wants to see its end.
      const cancelTimeout = this.#schedule(end, timeoutMs, true);
      begin().then((events) => {
        if (hasEnded) return;
        const waited = new Set(events);
        this.#open.set(end, waited);
        if (waited.size === 0) end();
      }, reject);
    });
  }

  settled(event: Event): void {
    for (const [end, waited] of this.#open) {
      waited.delete(event);
      if (waited.size === 0) end();
    }
  }

  endAll(): void {
    for (const end of [...this.#open.keys()]) end();
  }
}
