/**
 * Builds the Workers whose sources changed, with the tool and the steps of a deployment:
 *
 *     node local/stack/build.ts
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";
import { z } from "zod";
import { HOUR_MS } from "../../domain/units.ts";
import {
  BUILDS,
  type BuildInputs,
  buildsOf,
  hashOfFile,
  INPUTS_FILE,
  MODULES_FOLDER,
  OPTIONS_FILE,
  outdatedWorkers,
  PROJECT_ROOT,
  type WorkerSource,
} from "./worker-build.ts";

const WRANGLER = join(PROJECT_ROOT, "node_modules/wrangler/bin/wrangler.js");
const UNFINISHED = ".building-";
const METAFILE = "metafile.json";
const KEPT_BUILDS = 3;
const run = promisify(execFile);

async function build(worker: WorkerSource): Promise<void> {
  await mkdir(buildsOf(worker), { recursive: true });
  const work = await mkdtemp(join(BUILDS, UNFINISHED));
  try {
    const bundling = bundle(worker, work);
    await writeFile(join(work, OPTIONS_FILE), JSON.stringify(optionsOf(worker)));
    await bundling;
    const inputs = JSON.stringify(await inputsOf(worker, work));
    await writeFile(join(work, INPUTS_FILE), inputs);
    await rm(join(work, METAFILE));
    const name = createHash("sha256").update(inputs).digest("hex").slice(0, 16);
    await moveTo(join(buildsOf(worker), name), work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  await forgetOldBuilds(buildsOf(worker));
}

async function bundle({ config }: WorkerSource, work: string): Promise<void> {
  const target = ["--outdir", join(work, MODULES_FOLDER), "--metafile", join(work, METAFILE)];
  await run(process.execPath, [WRANGLER, "deploy", "--dry-run", ...target, "--config", config], {
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

const metafileSchema = z.object({ inputs: z.record(z.string(), z.unknown()) });

/** Every file that the bundler read, and those that say how and with what it was to be done. */
async function inputsOf({ config }: WorkerSource, work: string): Promise<BuildInputs> {
  const metafile = metafileSchema.parse(JSON.parse(await readFile(join(work, METAFILE), "utf8")));
  const folder = resolve(PROJECT_ROOT, dirname(config));
  const read = Object.keys(metafile.inputs).map((path) =>
    relative(PROJECT_ROOT, resolve(folder, path)),
  );
  const inputs: BuildInputs = {};
  for (const path of [config, "package-lock.json", ...read.sort()]) {
    const hash = await hashOfFile(path);
    // What is not a file was made up by the bundler.
    if (hash !== null) inputs[path] = hash;
  }
  return inputs;
}

async function moveTo(target: string, work: string): Promise<void> {
  try {
    await rename(work, target);
  } catch (error) {
    // Another start built the same sources meanwhile; its build is this one.
    if (!(await stat(target)).isDirectory()) throw error;
  }
}

/** Folders of builds that were killed. A build takes seconds, so old ones are nobody's. */
async function forgetBrokenBuilds(): Promise<void> {
  for (const name of await readdir(BUILDS)) {
    const path = join(BUILDS, name);
    if (!name.startsWith(UNFINISHED)) continue;
    const ageMs = Date.now() - (await stat(path)).mtimeMs;
    if (ageMs > HOUR_MS) await rm(path, { recursive: true, force: true });
  }
}

/** What wrangler printed, where it failed; it says what is wrong with the sources. */
function textOf(error: unknown): string {
  const { stdout, stderr } = error as { stdout?: string; stderr?: string };
  return stdout || stderr ? `${stdout ?? ""}${stderr ?? ""}` : String(error);
}

/** Old builds go; a few stay for a stack that still runs from one, and for switching back. */
async function forgetOldBuilds(folder: string): Promise<void> {
  const aged = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      return { name, builtAt: (await stat(join(folder, name))).mtimeMs };
    }),
  );
  aged.sort((a, b) => b.builtAt - a.builtAt);
  for (const { name } of aged.slice(KEPT_BUILDS)) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

// Started by the supervisor it leads a process group: what it started must not outlive the supervisor either.
process.once("disconnect", () => process.kill(-process.pid, "SIGKILL"));
process.channel?.unref();

await mkdir(BUILDS, { recursive: true });
await forgetBrokenBuilds();
const results = await Promise.allSettled((await outdatedWorkers()).map(build));
for (const result of results) {
  if (result.status === "fulfilled") continue;
  console.error(textOf(result.reason));
  process.exitCode = 1;
}
