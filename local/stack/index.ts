/**
 * The three Workers in one runtime, a port each, with everything they bind to kept in the data dir.
 *
 * A process of its own. It ends on SIGTERM, and when the supervisor is gone; the runtime ends with it.
 */
import { mkdir, rm } from "node:fs/promises";
import { parseSigningKeys, publicJwkFrom } from "../../contract/signing-jwk.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { wranglerFolder } from "../../origin/rules/store/wrangler-folder.ts";
import { tellParent } from "../child-message.ts";
import { apiKeysSecret, loadCredentials } from "../credentials.ts";
import { dataDirFrom } from "../data-dir.ts";
import { STACK_CONFIGURATION_VARIABLE, stackConfigurationSchema } from "./configuration.ts";
import { migrateEdge } from "./edge-migrations.ts";
import { fireHourly } from "./hourly-crons.ts";
import { watchRuntime } from "./runtime-watch.ts";
import { V8_FLAGS } from "./v8-flags.ts";
import { loadBuild, WORKERS } from "./worker-build.ts";

/** A runtime that is not back by then will not come back; the supervisor starts the whole stack again. */
const RESTART_LIMIT_MS = 10 * SECOND_MS;

const text = process.env[STACK_CONFIGURATION_VARIABLE];
if (text === undefined) throw new Error(`${STACK_CONFIGURATION_VARIABLE} is not set`);
const {
  host,
  ports,
  dataDir: root,
  clock,
  vars,
} = stackConfigurationSchema.parse(JSON.parse(text));
const dataDir = dataDirFrom(root);
const { keys, userHashKey, signingKeys } = await loadCredentials(dataDir);

process.env.MINIFLARE_WORKERD_V8_FLAGS = V8_FLAGS.join(" ");

let stopping = false;
let ready = false;
let endedAt = 0;
let giveUp: NodeJS.Timeout | undefined;
watchRuntime(({ reason }) => {
  if (stopping || !ready) return;
  endedAt = performance.now();
  tellParent({ kind: "runtime_ended", reason });
  giveUp ??= setTimeout(() => {
    console.error(
      `The Workers runtime is not back ${RESTART_LIMIT_MS / SECOND_MS} s after it ended.`,
    );
    process.exit(1);
  }, RESTART_LIMIT_MS);
});
function onRuntimeRestart(): void {
  clearTimeout(giveUp);
  giveUp = undefined;
  tellParent({ kind: "runtime_restarted", afterMs: Math.round(performance.now() - endedAt) });
}

// What Miniflare keeps for a while lies in the data dir too, so that what a killed run left is removed by the next.
await rm(dataDir.edgeTemporary, { recursive: true, force: true });
await mkdir(dataDir.edgeTemporary, { recursive: true });
process.env.TMPDIR = dataDir.edgeTemporary;

// So that rules can be put with bare wrangler from the first minute.
await wranglerFolder(root);

const { convertV4MiniflareOptions, Miniflare } = await import("miniflare");
const builds = await Promise.all(WORKERS.map(loadBuild));
await migrateEdge(dataDir.edge, builds.find(({ name }) => name === "pricing")?.d1Databases);
const secrets = { API_KEYS: apiKeysSecret(keys), USER_HASH_KEY: userHashKey };
// For those that check what it signed.
const tokenKeys = {
  TOKEN_JWKS: JSON.stringify({ keys: parseSigningKeys(signingKeys).map(publicJwkFrom) }),
};
// For the one Worker that signs.
const pricingSecrets = { SIGNING_KEYS: signingKeys };
const virtualClock = clock === null ? {} : { VIRTUAL_CLOCK: JSON.stringify(clock) };
const workers = WORKERS.flatMap(({ name }, i) => {
  const build = builds[i];
  if (!build) return [];
  const bindings = { ...build.bindings, ...vars[name], ...secrets, ...virtualClock };
  if (name === "aggregator") Object.assign(bindings, featureMirror());
  if (name === "pricing") Object.assign(bindings, pricingSecrets);
  else Object.assign(bindings, tokenKeys);
  return [{ ...build, name, bindings, unsafeDirectSockets: [{ host, port: ports[name] }] }];
});
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    host,
    cf: false,
    telemetry: { enabled: false },
    resourcePersistencePath: dataDir.edge,
    resourceTmpPath: dataDir.edgeTemporary,
    unsafeHandleRuntimeRestart: onRuntimeRestart,
    workers,
  }),
);

/** Where the aggregator copies features to, as a deployment has it in its secrets; nowhere, unless the environment says so. */
function featureMirror(): Record<string, string> {
  const { UPSTASH_REDIS_REST_URL = "", UPSTASH_REDIS_REST_TOKEN = "" } = process.env;
  return UPSTASH_REDIS_REST_URL && UPSTASH_REDIS_REST_TOKEN
    ? { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN }
    : {};
}

const stop = async () => {
  if (stopping) return;
  stopping = true;
  await miniflare.dispose();
  process.exit(0);
};
for (const reason of ["SIGTERM", "SIGINT", "disconnect"] as const) {
  process.once(reason, () => void stop());
}
// The supervisor may be gone before the listener was there.
if (process.connected === false) await stop();

await miniflare.ready;
fireHourly(miniflare, new Map(workers.map(({ name, cronTriggers = [] }) => [name, cronTriggers])));
ready = true;
tellParent({ kind: "ready" });
