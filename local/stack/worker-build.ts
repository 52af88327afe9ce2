/**
 * The Workers as a deployment would upload them, kept in .build/ beside the hashes of what they were made from.
 *
 * Building takes seconds and importing wrangler more than one, so a start whose sources did not change does neither.
 */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { z } from "zod";
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
export const INPUTS_FILE = "inputs.json";
export const MODULES_FOLDER = "modules";

/** What a build was made from: the hash of each file, by its path from the project's root. */
export const inputsSchema = z.record(z.string(), z.string());
export type BuildInputs = z.infer<typeof inputsSchema>;

/** The folder of a Worker's builds. */
export function buildsOf({ name }: WorkerSource): string {
  return join(BUILDS, name);
}

/** The folder of the build of a Worker's present sources, or null when there is none. */
export async function findBuild(worker: WorkerSource): Promise<string | null> {
  for (const name of await foldersIn(buildsOf(worker))) {
    const folder = join(buildsOf(worker), name);
    const text = await readFile(join(folder, INPUTS_FILE), "utf8");
    if (await areUnchanged(inputsSchema.parse(JSON.parse(text)))) return folder;
  }
  return null;
}

/** The Workers whose present sources have no build. */
export async function outdatedWorkers(): Promise<WorkerSource[]> {
  const builds = await Promise.all(WORKERS.map(findBuild));
  return WORKERS.filter((_, i) => builds[i] === null);
}

/** Bindings and modules of a built Worker, without secrets. Throws when it is not built. */
export async function loadBuild(worker: WorkerSource): Promise<V4WorkerOptions> {
  const folder = await findBuild(worker);
  if (folder === null) throw new Error(`${worker.name} is not built: node local/stack/build.ts`);
  const options = JSON.parse(await readFile(join(folder, OPTIONS_FILE), "utf8"));
  return { ...options, name: worker.name, modules: await modulesIn(join(folder, MODULES_FOLDER)) };
}

/** The hash of a file of the project, or null when it is not there. */
export async function hashOfFile(path: string): Promise<string | null> {
  try {
    const bytes = await readFile(join(PROJECT_ROOT, path));
    return createHash("sha256").update(bytes).digest("hex");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function areUnchanged(inputs: BuildInputs): Promise<boolean> {
  for (const [path, hash] of Object.entries(inputs)) {
    if ((await hashOfFile(path)) !== hash) return false;
  }
  return true;
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
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
