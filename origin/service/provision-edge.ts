/** Gives the edge what comes with the project, for as long as that takes. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { type VirtualClock, virtualClockSchema } from "../../contract/clock.ts";
import type { Metrics } from "../../contract/metrics.ts";
import { epochMs, SECOND_MS } from "../../domain/units.ts";
import { createEdgeClient } from "../edge/edge-client.ts";
import { openOfflineStore } from "../offline/offline-store.ts";
import { type ProvisionStep, provision } from "../publication/provision.ts";
import { edgeAddressFrom, type GlobalOptions, originFolder } from "../settings.ts";

const PATIENCE_MS = 30 * SECOND_MS;
const RETRY_PAUSE_MS = 2 * SECOND_MS;

/** Tries until the edge has everything, or `signal` ends it. */
export async function provisionEdge(
  options: GlobalOptions,
  log: Logger,
  metrics: Metrics,
  signal: AbortSignal,
  setMissing: (missing: string | null) => void,
): Promise<void> {
  const steps = metrics.counter("origin_provision_steps_total", "Things imported and published");
  const faults = metrics.counter("origin_provision_faults_total", "Attempts that failed");
  const onStep = (step: ProvisionStep) => {
    steps.value++;
    // Of the many histories only the last is worth a line.
    if (step.what !== "seeded" || step.done === step.total) log.info(step, "provisioned");
  };
  const store = await openOfflineStore(originFolder(options));
  try {
    const address = await edgeAddressFrom(options, process.env);
    const ports = {
      store,
      edge: createEdgeClient(address, PATIENCE_MS, signal),
      clock: virtualClockFrom(process.env.VIRTUAL_CLOCK),
      wallNow: () => epochMs(Date.now()),
      onStep,
    };
    while (!signal.aborted) {
      const fault = await provision(ports);
      if (fault === null) {
        log.info("the edge has everything");
        return setMissing(null);
      }
      if (signal.aborted) return;
      faults.value++;
      log.error(fault, "the edge could not be provisioned");
      setMissing(fault.detail);
      await sleep(RETRY_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    store.close();
  }
}

function virtualClockFrom(text: string | undefined): VirtualClock | null {
  return text === undefined ? null : virtualClockSchema.parse(JSON.parse(text));
}
