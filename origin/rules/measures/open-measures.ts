/** Where measures are set: the edge that was named, the local stack when it runs, else KV. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { SECOND_MS } from "../../../domain/units.ts";
import { DEFAULTS, edgeAddressFrom } from "../../settings.ts";
import { kvOf, type PlaceFlags } from "../commands/place-options.ts";
import { type MeasuresStore, measuresAtEdge, measuresInKv } from "./measures-store.ts";

export interface MeasuresFlags extends PlaceFlags {
  edgeUrl?: string;
}

const PATIENCE_MS = 10 * SECOND_MS;
const LOOK_LIMIT_MS = 2 * SECOND_MS;

export async function openMeasures(
  flags: MeasuresFlags,
  environment: NodeJS.ProcessEnv,
): Promise<MeasuresStore> {
  const { dataDir, json } = flags;
  const isStackMeant = flags.edgeUrl === undefined && !flags.remote && !flags.local;
  const url = flags.edgeUrl ?? (isStackMeant ? await runningStack(dataDir) : null);
  if (url === null) return measuresInKv(kvOf(flags));
  const address = await edgeAddressFrom({ dataDir, json, edgeUrl: url }, environment);
  return measuresAtEdge(address, PATIENCE_MS);
}

/** What a local stack writes down of its run: pricing's port. */
const runSchema = z.looseObject({ port: z.int() });

/** The local stack of a data dir while it answers and takes measures; null otherwise. */
async function runningStack(dataDir: string): Promise<string | null> {
  const port = await lastPort(join(resolve(dataDir), "run.json"));
  if (port === null) return null;
  const url = new URL(DEFAULTS.edgeUrl);
  url.port = String(port);
  try {
    // Without a key: 401 where there is such an address, 404 where a stack of an earlier version has none.
    const response = await fetch(new URL("/admin/v1/emergency", url), {
      signal: AbortSignal.timeout(LOOK_LIMIT_MS),
    });
    await response.arrayBuffer();
    return response.status === 404 ? null : url.origin;
  } catch {
    // Nobody listens: the stack does not run.
    return null;
  }
}

async function lastPort(path: string): Promise<number | null> {
  try {
    return runSchema.parse(JSON.parse(await readFile(path, "utf8"))).port;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
