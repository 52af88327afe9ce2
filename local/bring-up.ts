/** Brings the parts up in the order in which they need each other, and says when prices come. */
import { join } from "node:path";
import { z } from "zod";
import type { VirtualClock } from "../contract/clock.ts";
import { SECOND_MS } from "../domain/units.ts";
import { parseChildMessage } from "./child-message.ts";
import { apiKeysSecret, type Credentials } from "./credentials.ts";
import type { DataDir } from "./data-dir.ts";
import { FEED_CONFIGURATION_VARIABLE, type FeedConfiguration } from "./feed/configuration.ts";
import { takenPort } from "./free-ports.ts";
import { portsFrom, type StartOptions } from "./options.ts";
import { STACK_CONFIGURATION_VARIABLE, type StackConfiguration } from "./stack/configuration.ts";
import type { SupervisedChild, Supervisor } from "./supervisor.ts";
import { waitForOk } from "./wait-for.ts";

export interface Site {
  options: StartOptions;
  dataDir: DataDir;
  host: string;
  clock: VirtualClock | null;
  credentials: Credentials;
}

/** The order of stopping; see SupervisedChild. */
const STAGE = { stack: 1, clients: 2 } as const;
const FEED_SEED = 20_140_519;
const PORT_PATIENCE_MS = 5 * SECOND_MS;
/** How long a start may take before it says what it is waiting for. */
const QUIET_MS = 15 * SECOND_MS;

/** Resolves true once `/readyz` of pricing answers 200, false when `signal` ended the start before. */
export async function bringUp(
  site: Site,
  supervisor: Supervisor,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { options, host } = site;
  const ports = portsFrom(options.port);
  const wait = (name: string, port: number, path: string) =>
    waitAloud(name, `http://${host}:${port}${path}`, say, signal);

  supervisor.keep(stackChild(site, supervisor, say));
  // The origin imports its tables while the Workers start, and then publishes to them.
  if (options.origin) supervisor.keep(originChild(site));
  if (!(await wait("pricing", ports.pricing, "/healthz"))) return false;
  // Before its regions are published, ingest knows none of the feed's.
  if (options.origin && !(await wait("origin", ports.origin, "/readyz"))) return false;
  const demo = demoOf(site);
  if (demo !== null) supervisor.keep(feedChild(site, demo));
  const published = options.origin
    ? ""
    : ", on what was published before (by a start with the origin)";
  return wait(`pricing${published}`, ports.pricing, "/readyz");
}

function stackChild(
  { options, dataDir, host, clock }: Site,
  supervisor: Supervisor,
  say: (line: string) => void,
): SupervisedChild {
  const { pricing, ingest, aggregator } = portsFrom(options.port);
  const configuration: StackConfiguration = {
    host,
    ports: { pricing, ingest, aggregator },
    dataDir: options.dataDir,
    clock,
    vars: options.vars,
  };
  return {
    name: "stack",
    stage: STAGE.stack,
    script: join(import.meta.dirname, "stack/index.ts"),
    env: { [STACK_CONFIGURATION_VARIABLE]: JSON.stringify(configuration) },
    logFile: join(dataDir.logs, "stack.log"),
    onMessage(received) {
      const message = parseChildMessage(received);
      if (message.kind === "runtime_ended") supervisor.noteCrash("workerd", message.reason);
      if (message.kind === "runtime_restarted") say(`workerd is back after ${message.afterMs} ms.`);
    },
    async beforeRestart() {
      await takenPort([pricing, ingest, aggregator], host, PORT_PATIENCE_MS);
    },
  };
}

function originChild({ options, dataDir, host, clock, credentials }: Site): SupervisedChild {
  const ports = portsFrom(options.port);
  return {
    name: "origin",
    // It reads what the edge wrote and has time; a price has not.
    inBackground: true,
    stage: STAGE.clients,
    script: join(import.meta.dirname, "../origin/index.ts"),
    args: [
      "serve",
      ...["--host", host],
      ...["--port", String(ports.origin)],
      ...["--data-dir", options.dataDir],
      ...["--edge-url", `http://${host}:${ports.pricing}`],
      "--provision",
    ],
    env: {
      API_KEYS: apiKeysSecret(credentials.keys),
      ...(clock === null ? {} : { VIRTUAL_CLOCK: JSON.stringify(clock) }),
    },
    logFile: join(dataDir.logs, "origin.log"),
  };
}

/** What the feed plays; null when events are the user's own. */
function demoOf({ options, clock }: Site): FeedConfiguration["demo"] | null {
  if (clock !== null) return { name: "nyc", clock };
  return options.demo === "synthetic" ? { name: "synthetic", eventsPerS: options.rate } : null;
}

function feedChild(
  { options, dataDir, host, credentials }: Site,
  demo: FeedConfiguration["demo"],
): SupervisedChild {
  const configuration: FeedConfiguration = {
    ingestUrl: `http://${host}:${portsFrom(options.port).ingest}`,
    ingestKey: credentials.keys.ingest,
    demo,
    cursorFile: dataDir.feedCursor,
    seed: FEED_SEED,
  };
  return {
    name: "feed",
    stage: STAGE.clients,
    script: join(import.meta.dirname, "feed/index.ts"),
    env: { [FEED_CONFIGURATION_VARIABLE]: JSON.stringify(configuration) },
    logFile: join(dataDir.logs, "feed.log"),
  };
}

/** Waits for a 2xx. A wait that takes long says what it is for, and what the service says about it. */
async function waitAloud(
  name: string,
  url: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  let answer = "nothing answers";
  const timer = setInterval(() => say(`Waiting for ${name}: ${answer} (${url})`), QUIET_MS);
  try {
    return await waitForOk(url, signal, (text) => {
      answer = sentenceOf(text);
    });
  } finally {
    clearInterval(timer);
  }
}

const problemSchema = z.looseObject({ detail: z.string() });

/** What a problem says about itself; of any other answer its beginning. */
function sentenceOf(text: string): string {
  try {
    return problemSchema.parse(JSON.parse(text)).detail;
  } catch {
    return text.slice(0, 200);
  }
}
