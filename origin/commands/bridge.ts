/** `origin bridge`: Kafka's topics to ingest, and the event log to Kafka's topics, as a process of its own. */
import type { Command } from "commander";
import { createMetrics } from "../../contract/metrics.ts";
import { epochMs, SECOND_MS } from "../../domain/units.ts";
import { createEventLogClient } from "../edge/event-log-client.ts";
import { createIngestClient } from "../kafka/ingest-client.ts";
import { bridgeSettingsFrom, hasKafka, KAFKA_VARIABLES } from "../kafka/kafka-settings.ts";
import { openOfflineStore } from "../offline/offline-store.ts";
import { createServiceLog } from "../service/service-log.ts";
import { stopSignal } from "../service/stop-signal.ts";
import {
  edgeAddressFrom,
  type GlobalOptions,
  ingestAddressFrom,
  originFolder,
} from "../settings.ts";

const PATIENCE_MS = 30 * SECOND_MS;

interface BridgeOptions extends GlobalOptions {
  fromKafka: boolean;
  toKafka: boolean;
}

export function addBridgeCommand(program: Command): void {
  program
    .command("bridge")
    .description("carry records between Kafka and the edge, until it is stopped")
    .option("--from-kafka", "records of Kafka's topics to ingest", false)
    .option("--to-kafka", "the edge's event log to Kafka's topics", false)
    .addHelpText("after", `\nBoth without an option. From the environment:${KAFKA_VARIABLES}`)
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<BridgeOptions>();
      if (!hasKafka(process.env)) command.error("error: KAFKA_BROKERS names no broker");
      await run(options);
    });
}

async function run(options: BridgeOptions): Promise<void> {
  const log = createServiceLog();
  const signal = stopSignal();
  // Loaded only here: Kafka's client would slow every other command down.
  const { runBridge } = await import("../kafka/run-bridge.ts");
  const settings = await bridgeSettingsFrom({
    ...process.env,
    ...directionsOf(options),
  });
  const ingest = await ingestAddressFrom(options, process.env);
  const store = await openOfflineStore(originFolder(options));
  try {
    const ports = {
      settings,
      ingest: createIngestClient(ingest.url, ingest.key),
      client: createEventLogClient(
        await edgeAddressFrom(options, process.env),
        PATIENCE_MS,
        signal,
      ),
      database: store.database,
      log,
      metrics: createMetrics(),
      wallNow: () => epochMs(Date.now()),
    };
    await runBridge(ports, signal);
    log.info({ reason: String(signal.reason) }, "bridge ends");
  } finally {
    store.close();
  }
}

/** What the options say of KAFKA_BRIDGE; nothing when neither is given. */
function directionsOf({ fromKafka, toKafka }: BridgeOptions): NodeJS.ProcessEnv {
  const directions = [...(fromKafka ? ["from"] : []), ...(toKafka ? ["to"] : [])];
  return directions.length === 0 ? {} : { KAFKA_BRIDGE: directions.join() };
}
