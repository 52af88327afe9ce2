/**
 * `npm start`: everything on one machine. `npm start -- --help` lists the options.
 *
 * A supervisor and three processes: the stack (three Workers in one runtime), the origin, the demo feed. Each ends when
 * the supervisor does, and is started again on the same data when it ends by itself.
 */
import { join } from "node:path";
import { messageOf } from "../contract/log.ts";
import { SECOND_MS } from "../domain/units.ts";
import { banner } from "./banner.ts";
import { bringUp, type Site } from "./bring-up.ts";
import { buildWorkers } from "./build-workers.ts";
import { type Claim, claim } from "./claim.ts";
import { loadCredentials } from "./credentials.ts";
import { dataDirFrom } from "./data-dir.ts";
import { keepClockSaved, loadDemoClock } from "./demo-clock.ts";
import { endWithNpm } from "./end-with-npm.ts";
import { parseOptions } from "./options.ts";
import { createSupervisor } from "./supervisor.ts";

/** The local stack is for this machine alone. */
const HOST = "127.0.0.1";

const say = (line: string) => console.log(line);
const startedAt = performance.now();
const options = parseOptions(process.argv.slice(2));
const dataDir = dataDirFrom(options.dataDir);

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => stop.abort());
}
endWithNpm(() => stop.abort());
// Whoever watched is gone, as in `npm start | head`; that is no reason to stop.
process.stdout.on("error", () => undefined);

const claimed = await claim(options, dataDir, HOST);
if (typeof claimed === "string") {
  console.error(claimed);
  process.exit(1);
}
const exitCode = await runUntilStopped(claimed);
process.exit(exitCode);

async function runUntilStopped(claimed: Claim): Promise<number> {
  const problem = await buildWorkers(join(dataDir.logs, "build.log"), say, stop.signal);
  if (problem !== null) {
    console.error(`The Workers cannot be built:\n\n${problem}`);
    await claimed.release();
    return 1;
  }
  const credentials = await loadCredentials(dataDir);
  // Read only now, so that the demo's clock does not run while the Workers are built.
  const clock =
    options.demo === "nyc" ? await loadDemoClock(dataDir.clock, options.speed, Date.now()) : null;
  const saver =
    clock &&
    keepClockSaved(dataDir.clock, clock, Date.now, (error) => {
      say(`The position of the demo's clock could not be saved: ${messageOf(error)}`);
    });

  const supervisor = createSupervisor({
    maxCrashes: options.maxCrashes,
    say,
    now: () => performance.now(),
  });
  const site: Site = { options, dataDir, host: HOST, clock, credentials };
  if (stop.signal.aborted) void supervisor.stop(0);
  else {
    stop.signal.addEventListener("abort", () => void supervisor.stop(0), { once: true });
    announceWhenReady(site, bringUp(site, supervisor, say, stop.signal)).catch((error: unknown) => {
      console.error(error);
      return supervisor.stop(1);
    });
  }
  const exitCode = await supervisor.ended;
  stop.abort();
  await saver?.stop();
  await claimed.release();
  return exitCode;
}

async function announceWhenReady(site: Site, ready: Promise<boolean>): Promise<void> {
  if (!(await ready)) return;
  const seconds = (performance.now() - startedAt) / SECOND_MS;
  say(`Ready in ${seconds.toFixed(1)} s.`);
  say(banner(site.options, site.dataDir, site.host, site.clock));
}
