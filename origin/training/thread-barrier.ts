/** Where in the control words the barrier keeps how many threads have arrived, and how often it has opened. */
const ARRIVED = 0;
const OPENED = 1;

/** The number of shared control words that a barrier uses. */
export const BARRIER_WORDS = 2;

/**
 * A meeting point of `threadCount` threads: no call returns before every thread has called.
 *
 * What a thread wrote to shared memory before the meeting is visible to all after it. Threads sleep while they wait:
 * on a shared machine, spinning takes the core from the thread that is being waited for.
 */
export function createThreadBarrier(control: Int32Array, threadCount: number): () => void {
  return () => {
    if (threadCount === 1) return;
    const opened = Atomics.load(control, OPENED);
    if (Atomics.add(control, ARRIVED, 1) === threadCount - 1) {
      Atomics.store(control, ARRIVED, 0);
      Atomics.add(control, OPENED, 1);
      Atomics.notify(control, OPENED);
      return;
    }
    while (Atomics.load(control, OPENED) === opened) Atomics.wait(control, OPENED, opened);
  };
}
