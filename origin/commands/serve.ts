/** `origin serve`: the origin as a service. Provisions the edge at start and follows its event log; health and metrics. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { serve } from "@hono/node-server";
import { type Command, InvalidArgumentError } from "commander";
import { parseApiKeys } from "../../contract/api-keys.ts";
import { DeployedKeys } from "../../contract/deployed-keys.ts";
import { createMetrics } from "../../contract/metrics.ts";
import { KAFKA_VARIABLES } from "../kafka/kafka-settings.ts";
import { createApp } from "../service/app.ts";
import { followEventLog } from "../service/follow-event-log.ts";
import { provisionEdge } from "../service/provision-edge.ts";
import { createServiceLog } from "../service/service-log.ts";
import { stopSignal } from "../service/stop-signal.ts";
import type { GlobalOptions } from "../settings.ts";

interface ServeOptions extends GlobalOptions {
  host: string;
  port: number;
  provision: boolean;
  eventLog: boolean;
}

export function addServeCommand(program: Command): void {
  program
    .command("serve")
    .description("run the origin as a service: /healthz, /readyz, /metrics")
    .option("--host <address>", "where it listens", "127.0.0.1")
    .option("--port <number>", "where it listens", portFrom, 8790)
    .option("--provision", "publish what comes with the project to an edge that has nothing", false)
    .option(
      "--no-event-log",
      "leave the edge's event log and decision log alone, and Kafka with it",
    )
    .addHelpText(
      "after",
      `\nAPI_KEYS holds the keys that may read metrics, as the Workers' secret does. VIRTUAL_CLOCK is the local stack's clock.
The bridge to Kafka runs where KAFKA_BROKERS is set:${KAFKA_VARIABLES}`,
    )
    .action((_: unknown, command: Command) => runService(command.optsWithGlobals<ServeOptions>()));
}

/** Serves until SIGTERM or SIGINT, or until the process that started it is gone. */
async function runService(options: ServeOptions): Promise<void> {
  const log = createServiceLog();
  const signal = stopSignal();

  let waitingFor = options.provision ? "The edge is being provisioned." : null;
  const metrics = createMetrics();
  metrics.gauge("origin_ready", "1 once the edge has what comes with the project", () =>
    waitingFor === null ? 1 : 0,
  );
  const keys = process.env.API_KEYS;
  const app = createApp({
    keys: new DeployedKeys(keys === undefined ? [] : parseApiKeys(keys)),
    metrics,
    waitingFor: () => waitingFor,
    newTraceId: () => randomUUID().replaceAll("-", ""),
  });
  const server = serve({ fetch: app.fetch, hostname: options.host, port: options.port });
  await once(server, "listening");
  log.info({ host: options.host, port: options.port }, "origin listens");

  if (options.provision) {
    await provisionEdge(options, log, metrics, signal, (missing) => {
      waitingFor = missing;
    });
  }
  // Only now: both write to the origin's database, and the import of the shipped tables holds it for a while.
  if (options.eventLog) await followEventLog(options, log, metrics, signal);
  if (!signal.aborted) await once(signal, "abort");
  log.info({ reason: String(signal.reason) }, "origin ends");
  server.close();
  if ("closeAllConnections" in server) server.closeAllConnections();
  // The channel to whoever started it would keep the process alive.
  if (process.connected) process.disconnect();
}

function portFrom(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError("A port lies between 0 and 65535.");
}
