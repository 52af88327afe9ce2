/** The entry of a training thread; `boost` starts it. */
import { parentPort, workerData } from "node:worker_threads";
import { type BoostedTrees, type RoundReport, runBoosting } from "./boosting-loop.ts";
import type { BoostingState } from "./boosting-state.ts";

export interface BoostingThreadData {
  readonly state: BoostingState;
  readonly thread: number;
}

/** Sent by thread 0 alone: all threads come to the same trees. */
export type BoostingThreadMessage =
  | { readonly kind: "round"; readonly report: RoundReport }
  | { readonly kind: "done"; readonly result: BoostedTrees };

const { state, thread }: BoostingThreadData = workerData;
const send = (message: BoostingThreadMessage) => {
  if (thread === 0) parentPort?.postMessage(message);
};
send({
  kind: "done",
  result: runBoosting(state, thread, (report) => send({ kind: "round", report })),
});
