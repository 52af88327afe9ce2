/** `origin serve`: the origin as a service. Made for it: provisioning the edge at start, health, metrics. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { type Command, InvalidArgumentError } from "commander";
import type { Logger } from "pino";
import { authenticatorFrom, parseApiKeys } from "../../contract/access.ts";
import { type VirtualClock, virtualClockSchema } from "../../contract/clock.ts";
import { createMetrics, type Metrics } from "../../contract/metrics.ts";
import { epochMs, SECOND_MS } from "../../domain/units.ts";
import { createEdgeClient } from "../edge/edge-client.ts";
import { openOfflineStore } from "../offline/offline-store.ts";
import { type ProvisionStep, provision } from "../publication/provision.ts";
import { createApp } from "../service/app.ts";
import { createServiceLog } from "../service/service-log.ts";
import { edgeAddressFrom, type GlobalOptions, originFolder } from "../settings.ts";

interface ServeOptions extends GlobalOptions {
  host: string;
  port: number;
  provision: boolean;
}

const PATIENCE_MS = 30 * SECOND_MS;
const RETRY_PAUSE_MS = 2 * SECOND_MS;

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("run the origin as a service: /healthz, /readyz, /metrics")
    .option("--host <address>", "where it listens", "127.0.0.1")
    .option("--port <number>", "where it listens", portFrom, 8790)
    .option("--provision", "publish what comes with the project to an edge that has nothing", false)
    .addHelpText(
      "after",
      "\nAPI_KEYS holds the keys that may read metrics, as the Workers' secret does. VIRTUAL_CLOCK is the local stack's clock.",
    )
    .action((_: unknown, command: Command) => runService(command.optsWithGlobals<ServeOptions>()));
}

/** Serves until SIGTERM or SIGINT, or until the process that started it is gone. */
async function runService(options: ServeOptions): Promise<void> {
  const log = createServiceLog();
  const stop = new AbortController();
  for (const reason of ["SIGTERM", "SIGINT", "disconnect"] as const) {
    process.once(reason, () => stop.abort(reason));
  }
  // Who started it may be gone before the listener was there.
  if (process.connected === false) stop.abort("disconnect");

  let waitingFor = options.provision ? "The edge is being provisioned." : null;
  const metrics = createMetrics();
  metrics.gauge("origin_ready", "1 once the edge has what comes with the project", () =>
    waitingFor === null ? 1 : 0,
  );
  const keys = process.env.API_KEYS;
  const app = createApp({
    authenticate: keys === undefined ? () => null : authenticatorFrom(parseApiKeys(keys)),
    metrics,
    waitingFor: () => waitingFor,
    newTraceId: () => randomUUID().replaceAll("-", ""),
  });
  const server = serve({ fetch: app.fetch, hostname: options.host, port: options.port });
  await once(server, "listening");
  log.info({ host: options.host, port: options.port }, "origin listens");

  if (options.provision) {
    await provisionEdge(options, log, metrics, stop.signal, (missing) => {
      waitingFor = missing;
    });
  }
  if (!stop.signal.aborted) await once(stop.signal, "abort");
  log.info({ reason: String(stop.signal.reason) }, "origin ends");
  server.close();
  if ("closeAllConnections" in server) server.closeAllConnections();
  // The channel to whoever started it would keep the process alive.
  if (process.connected) process.disconnect();
}

/** Tries until the edge has everything, or `signal` ends it. */
async function provisionEdge(
  options: ServeOptions,
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

function portFrom(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError("A port lies between 0 and 65535.");
}
