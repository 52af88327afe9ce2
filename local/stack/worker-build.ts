/**
 * The Workers as a deployment would upload them, kept in .build/ under a hash of their sources.
 *
 * Building takes seconds and importing wrangler more than one, so a start whose sources did not change does neither.
 */
import { createHash } from "node:crypto";
import { glob, readdir, readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { isMissing } from "../replace-file.ts";

export interface WorkerSource {
  /** As its wrangler.toml says. */
  name: "pricing" | "ingest" | "aggregator";
  /** From the project's root. */
  config: string;
}

export const WORKERS: readonly WorkerSource[] = [
  { name: "pricing", config: "wrangler.toml" },
  { name: "ingest", config: "workers/ingest/wrangler.toml" },
  { name: "aggregator", config: "workers/aggregator/wrangler.toml" },
];

export const PROJECT_ROOT = join(import.meta.dirname, "../..");
export const BUILDS = join(PROJECT_ROOT, ".build/workers");
export const OPTIONS_FILE = "options.json";
export const MODULES_FOLDER = "modules";

/** The folder that holds, or will hold, the build of a Worker's present sources. */
export async function buildFolder({ name, config }: WorkerSource): Promise<string> {
  const sources = ["domain", "contract", `workers/${name}`].map((folder) => `${folder}/**/*`);
  const paths: string[] = [config, "package-lock.json"];
  for await (const path of glob(sources, { cwd: PROJECT_ROOT })) paths.push(path);
  const hash = createHash("sha256");
  for (const path of paths.sort()) {
    const absolute = join(PROJECT_ROOT, path);
    if (!(await stat(absolute)).isFile()) continue;
    hash
      .update(path)
      .update("\0")
      .update(await readFile(absolute))
      .update("\0");
  }
  return join(BUILDS, name, hash.digest("hex").slice(0, 16));
}

/** The Workers whose present sources have no build. */
export async function outdatedWorkers(): Promise<WorkerSource[]> {
  const built = await Promise.all(
    WORKERS.map(async (worker) => isFile(join(await buildFolder(worker), OPTIONS_FILE))),
  );
  return WORKERS.filter((_, i) => !built[i]);
}

/** Bindings and modules of a built Worker, without secrets. Throws when it is not built. */
export async function loadBuild(worker: WorkerSource): Promise<V4WorkerOptions> {
  const folder = await buildFolder(worker);
  const options = JSON.parse(await readFile(join(folder, OPTIONS_FILE), "utf8"));
  return { ...options, name: worker.name, modules: await modulesIn(join(folder, MODULES_FOLDER)) };
}

type Modules = Extract<V4WorkerOptions, { modules: object[] }>["modules"];

const MODULE_TYPES = {
  ".js": "ESModule",
  ".wasm": "CompiledWasm",
  ".bin": "Data",
  ".txt": "Text",
  ".html": "Text",
  ".sql": "Text",
} as const;

/** The main module first, as the runtime wants it. */
async function modulesIn(folder: string): Promise<Modules> {
  const names = await readdir(folder);
  names.sort((a, b) => Number(b === "index.js") - Number(a === "index.js"));
  const modules = names.map(async (path): Promise<Modules> => {
    const type = Object.entries(MODULE_TYPES).find(([end]) => extname(path) === end)?.[1];
    if (type === undefined) return [];
    const bytes = await readFile(join(folder, path));
    const isText = type === "ESModule" || type === "Text";
    return [{ type, path, contents: isText ? bytes.toString("utf8") : new Uint8Array(bytes) }];
  });
  return (await Promise.all(modules)).flat();
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
