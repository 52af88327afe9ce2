/**
 * A process that tracks events through the SDK, told what to do over IPC, for tests that kill it.
 *
 *     fork(this file, [], {env: {ENDPOINT, KEY, DIRECTORY, GZIP}})
 */
import { eventQueueOn } from "../../sdk/src/event-queue.ts";
import { fileStore } from "../../sdk/src/file-store.ts";
import type { QueueStats } from "../../sdk/src/options.ts";
import { hostPlatform } from "../../sdk/src/platform.ts";
import type { TrackedEvent } from "../../sdk/src/tracked-event.ts";

export type SdkCommand =
  | { kind: "track"; events: TrackedEvent[] }
  | { kind: "flush"; timeoutMs: number }
  | { kind: "close"; timeoutMs: number }
  | { kind: "stats" };

/** The answer to each command. */
export interface SdkReport {
  stats: QueueStats;
  /** Everything tracked is in the store. */
  stored: boolean;
  /** Everything the queue complained of, each once. */
  errors: string[];
}

const { ENDPOINT = "", KEY = "", DIRECTORY = "", GZIP } = process.env;
const errors = new Set<string>();

const queue = eventQueueOn(hostPlatform(), fileStore({ directory: DIRECTORY }), {
  endpoint: ENDPOINT,
  key: KEY,
  maxBatchEvents: 40,
  maxWaitMs: 50,
  requestTimeoutMs: 2_000,
  backoff: { baseMs: 20, capMs: 400 },
  gzip: GZIP === "yes",
  onError: ({ message }) => errors.add(message),
});

async function obey(command: SdkCommand): Promise<SdkReport> {
  if (command.kind === "track") for (const event of command.events) queue.track(event);
  if (command.kind === "flush") await queue.flush(command);
  if (command.kind === "close") await queue.close(command);
  const stored = command.kind === "track" ? await queue.stored() : true;
  return { stats: queue.stats(), stored, errors: [...errors] };
}

process.on("message", async (command: SdkCommand) => {
  process.send?.(await obey(command));
});
