/** KV through wrangler, local or remote: the same way in for a laptop and for production, with wrangler's own login. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import type { ConfigKv } from "./config-kv.ts";
import { wranglerFolder } from "./wrangler-folder.ts";

export type KvPlace = { kind: "local"; dataDir: string } | { kind: "remote" };

const ROOT = join(import.meta.dirname, "../../..");
const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);
const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

const value = z.union([z.string(), z.null(), z.object({ value: z.string().nullable() })]);
const valuesSchema = z.record(z.string(), value);
const keysSchema = z.array(z.object({ name: z.string() }));

/** Rejects with what wrangler said where it fails. */
export function createWranglerKv(place: KvPlace): ConfigKv {
  const where = place.kind === "remote" ? "remote KV" : `local KV in ${resolve(place.dataDir)}`;
  const ask = async (...args: string[]) => wrangler([...args, ...(await placeArguments(place))]);
  return {
    where,
    read: (keys) =>
      withFile(JSON.stringify(keys), async (path) => {
        const values = valuesSchema.parse(JSON.parse(await ask("bulk", "get", path)));
        return keys.map((key) => {
          const found = values[key] ?? null;
          return typeof found === "object" ? (found?.value ?? null) : found;
        });
      }),
    put: (key, text) =>
      withFile(text, async (path) => {
        await ask("key", "put", key, "--path", path);
      }),
    async list(prefix) {
      const keys = keysSchema.parse(JSON.parse(await ask("key", "list", "--prefix", prefix)));
      return keys.map(({ name }) => name);
    },
  };
}

async function placeArguments(place: KvPlace): Promise<string[]> {
  const binding = ["--binding", "CONFIG", "--config", join(ROOT, "wrangler.toml")];
  if (place.kind === "remote") return [...binding, "--remote"];
  return [...binding, "--local", "--persist-to", await wranglerFolder(place.dataDir)];
}

async function wrangler(args: readonly string[]): Promise<string> {
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };
  try {
    const { stdout } = await run(process.execPath, [WRANGLER, "kv", ...args], {
      env,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return stdout;
  } catch (error) {
    const { stderr = "", stdout = "" } = error as { stderr?: string; stdout?: string };
    const said = `${stdout}\n${stderr}`.trim();
    throw new Error(`wrangler kv ${args.slice(0, 3).join(" ")} failed: ${said}`, { cause: error });
  }
}

/** Values go by file: a command line has no room for a thousand layers. */
async function withFile<Result>(
  text: string,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), "rules-kv-"));
  try {
    const path = join(folder, "value.json");
    await writeFile(path, text);
    return await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}
