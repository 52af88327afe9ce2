/** Starts and stops the local stack the way a user does, for tests and benches. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = join(import.meta.dirname, "../..");
const START = join(ROOT, "local/start.ts");

export interface StackOptions {
  port: number;
  /** A new temporary one by default, removed by `stop`. */
  dataDir?: string;
  demo?: "nyc" | "none";
  speed?: number;
  origin?: boolean;
  maxCrashes?: number;
  /** Variables of Workers, as `<worker>.<NAME>`. */
  vars?: Record<string, string>;
  env?: Record<string, string>;
}

export interface Keys {
  admin: string;
  pricing: string;
  ingest: string;
  public: string;
}

/** A stack that answers; `stop` it, whatever happens. */
export interface Stack {
  readonly port: number;
  readonly pricingUrl: string;
  readonly ingestUrl: string;
  readonly aggregatorUrl: string;
  readonly originUrl: string;
  readonly keys: Keys;
  readonly dataDir: string;
  /** Wall time from the start to the first 200 of /readyz. */
  readonly readyAfterMs: number;
  readonly run: StackRun;
  /** Ends it with SIGTERM; removes the data dir unless it was given. Returns the exit code. */
  stop(): Promise<number | null>;
}

/** The process of a start, ready or not. */
export interface StackRun {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Settles with the exit code, or null after a signal. */
  readonly ended: Promise<number | null>;
  /** Everything printed so far. */
  output(): string;
}

/** Runs `npm start`'s command with its arguments, and does not wait for anything. */
export function runStart(args: readonly string[], env: Record<string, string> = {}): StackRun {
  const child = spawn(process.execPath, [START, ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  return stackRunFrom(child);
}

/** Follows a process that was started with pipes for its output. */
export function stackRunFrom(child: ChildProcess): StackRun {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = once(child, "exit").then(([code]): number | null => code);
  const { pid } = child;
  if (pid === undefined) throw new Error("the process did not start");
  return { process: child, pid, ended, output: () => output };
}

/** Starts a stack and waits until it is ready to price. Throws with its output when it ends before. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "stack-")));
  const { port, env } = options;
  const run = runStart(argumentsFrom({ ...options, dataDir }), env);
  const url = (offset: number) => `http://127.0.0.1:${port + offset}`;
  const startedAt = performance.now();
  const stop = async () => {
    run.process.kill("SIGTERM");
    const code = await run.ended;
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    return code;
  };
  try {
    await untilReady(url(0), run);
  } catch (error) {
    await stop();
    throw error;
  }
  const readyAfterMs = performance.now() - startedAt;
  const keys: Keys = JSON.parse(await readFile(join(dataDir, "credentials.json"), "utf8"));
  return {
    port,
    pricingUrl: url(0),
    ingestUrl: url(1),
    aggregatorUrl: url(2),
    originUrl: url(3),
    keys,
    dataDir,
    readyAfterMs,
    run,
    stop,
  };
}

/** The command line of a start. */
export function argumentsFrom(options: StackOptions & { dataDir: string }): string[] {
  const { port, dataDir, demo = "none", speed, origin = true, vars = {}, maxCrashes } = options;
  return [
    ...["--port", String(port), "--data-dir", dataDir, "--demo", demo],
    ...(speed === undefined ? [] : ["--speed", String(speed)]),
    ...(origin ? [] : ["--no-origin"]),
    ...(maxCrashes === undefined ? [] : ["--max-crashes", String(maxCrashes)]),
    ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}=${value}`]),
  ];
}

const READY_LIMIT_MS = 90_000;
const POLL_MS = 50;

async function untilReady(pricingUrl: string, run: StackRun): Promise<void> {
  let ended = false;
  const noteEnd = run.ended.then(() => {
    ended = true;
  });
  const giveUpAt = performance.now() + READY_LIMIT_MS;
  while (!ended && performance.now() < giveUpAt) {
    if (await answersOk(`${pricingUrl}/readyz`)) return;
    await Promise.race([sleep(POLL_MS), noteEnd]);
  }
  throw new Error(`the stack did not become ready:\n${run.output()}`);
}

/** True when a GET answers 2xx; false when it answers anything else, or nobody does. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
