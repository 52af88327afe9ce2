/**
 * The bare servers a bench compares with, in a process of their own: built and run the way the product's Workers are, on
 * direct sockets, with the product's V8 flags or with none.
 *
 *     node bench/bare/serve.ts <port> [v8 flags]     the bare Worker on the port, bare Hono on the next
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const HOST = "127.0.0.1";
const COMPATIBILITY_DATE = "2026-11-01";
const WRANGLER = join(import.meta.dirname, "../../node_modules/wrangler/bin/wrangler.js");
const run = promisify(execFile);

const port = Number(process.argv[2]);
const folder = await mkdtemp(join(tmpdir(), "bare-"));
const v8Flags = process.argv.slice(3);
if (v8Flags.length > 0) process.env.MINIFLARE_WORKERD_V8_FLAGS = v8Flags.join(" ");
const { convertV4MiniflareOptions, Miniflare } = await import("miniflare");
const workers = await Promise.all([worker("workerd", port), worker("hono", port + 1)]);
const miniflare = new Miniflare(
  convertV4MiniflareOptions({ host: HOST, cf: false, telemetry: { enabled: false }, workers }),
);

const stop = async () => {
  await miniflare.dispose();
  await rm(folder, { recursive: true, force: true });
  process.exit(0);
};
process.once("disconnect", () => void stop());
await miniflare.ready;
process.send?.("ready");

async function worker(name: "workerd" | "hono", port: number) {
  return {
    name,
    modules: true,
    script: await bundle(name),
    compatibilityDate: COMPATIBILITY_DATE,
    unsafeDirectSockets: [{ host: HOST, port }],
  };
}

/** With a configuration of its own: without one, wrangler takes the product's. */
async function bundle(name: string): Promise<string> {
  const target = join(folder, name);
  const config = join(folder, `${name}.json`);
  const main = join(import.meta.dirname, `${name}.ts`);
  await writeFile(config, JSON.stringify({ name, main, compatibility_date: COMPATIBILITY_DATE }));
  await run(
    process.execPath,
    [WRANGLER, "deploy", "--dry-run", "--outdir", target, "--config", config],
    { cwd: folder, env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
  );
  return readFile(join(target, `${name}.js`), "utf8");
}
