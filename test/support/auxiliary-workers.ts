/** The real Workers beside the one under test: bundled from their source as a deployment would bundle them. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import type { LegacyWorkerOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";

const run = promisify(execFile);

/** Miniflare's options for the Workers of these wrangler.toml files; secrets come from the process environment. */
export function auxiliaryWorkers(configPaths: readonly string[]): Promise<LegacyWorkerOptions[]> {
  return Promise.all(configPaths.map(auxiliaryWorker));
}

async function auxiliaryWorker(configPath: string): Promise<LegacyWorkerOptions> {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(configPath);
  const { modulesRules: _, ...options } = workerOptions;
  const { name } = unstable_readConfig({ config: configPath });
  if (name === undefined) throw new Error(`${configPath} names no Worker`);
  return {
    ...options,
    name,
    modules: await bundledModules(configPath),
  };
}

type Module = Extract<LegacyWorkerOptions["modules"], readonly object[]>[number];
const MODULE_TYPES: Record<string, Module["type"]> = {
  ".js": "ESModule",
  ".wasm": "CompiledWasm",
  ".bin": "Data",
};

/** What `wrangler deploy` would upload, the main module first. */
async function bundledModules(configPath: string): Promise<Module[]> {
  const directory = await mkdtemp(join(tmpdir(), "auxiliary-worker-"));
  try {
    await run("wrangler", ["deploy", "--dry-run", "--outdir", directory, "--config", configPath]);
    const names = await readdir(directory);
    const modules = names.flatMap((name) => {
      const type = MODULE_TYPES[extname(name)];
      return type ? [{ name, type }] : [];
    });
    modules.sort((a, b) => Number(b.name === "index.js") - Number(a.name === "index.js"));
    return await Promise.all(
      modules.map(async ({ name, type }) => ({
        type,
        path: name,
        contents: await readFile(join(directory, name)),
      })),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
