/**
 * Builds the Workers whose sources changed, with the tool and the steps of a deployment:
 *
 *     node local/stack/build.ts
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import {
  BUILDS,
  buildFolder,
  MODULES_FOLDER,
  OPTIONS_FILE,
  outdatedWorkers,
  PROJECT_ROOT,
  type WorkerSource,
} from "./worker-build.ts";

const WRANGLER = join(PROJECT_ROOT, "node_modules/wrangler/bin/wrangler.js");
const KEPT_BUILDS = 3;
const run = promisify(execFile);

// Started by the supervisor it leads a process group: what it started must not outlive the supervisor either.
process.once("disconnect", () => process.kill(-process.pid, "SIGKILL"));
process.channel?.unref();

await mkdir(BUILDS, { recursive: true });
await Promise.all((await outdatedWorkers()).map(build));

async function build(worker: WorkerSource): Promise<void> {
  const target = await buildFolder(worker);
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(join(BUILDS, `${worker.name}-`));
  try {
    const bundling = bundle(worker, join(work, MODULES_FOLDER));
    await writeFile(join(work, OPTIONS_FILE), JSON.stringify(optionsOf(worker)));
    await bundling;
    await rename(work, target).catch(async (error: unknown) => {
      // Another start built the same sources meanwhile; its build is this one.
      if (!(await stat(target)).isDirectory()) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  await forgetOldBuilds(dirname(target), basename(target));
}

async function bundle({ config }: WorkerSource, target: string): Promise<void> {
  const args = ["deploy", "--dry-run", "--outdir", target, "--config", config];
  await run(process.execPath, [WRANGLER, ...args], {
    cwd: PROJECT_ROOT,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", FORCE_COLOR: "0" },
  });
}

/** Bindings as Miniflare takes them. Secrets are left out: they belong to a data dir, not to a build. */
function optionsOf({ config: path }: WorkerSource): object {
  const config = unstable_readConfig({ config: join(PROJECT_ROOT, path) }, { hideWarnings: true });
  const { workerOptions } = unstable_getMiniflareWorkerOptions(config);
  const { modulesRules: _, rootPath: __, ...options } = workerOptions;
  return { ...options, bindings: config.vars };
}

/** Old builds go; a few stay for a stack that still runs from one, and for switching back. */
async function forgetOldBuilds(folder: string, present: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name !== present);
  const aged = await Promise.all(
    names.map(async (name) => ({ name, builtAt: (await stat(join(folder, name))).mtimeMs })),
  );
  aged.sort((a, b) => b.builtAt - a.builtAt);
  for (const { name } of aged.slice(KEPT_BUILDS - 1)) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}
