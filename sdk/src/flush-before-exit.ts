import type { EventQueue, FlushOptions } from "./event-queue.ts";

/**
 * Closes a queue when the process has nothing else to do: once, for at most `timeoutMs` (5 s). Does nothing on
 * `process.exit()` and signals, which leave no time; a file store keeps the events for the next start. The answer undoes it.
 */
export function flushBeforeExit(queue: EventQueue, options?: FlushOptions): () => void {
  const onBeforeExit = () => void queue.close(options);
  process.once("beforeExit", onBeforeExit);
  return () => {
    process.removeListener("beforeExit", onBeforeExit);
  };
}
