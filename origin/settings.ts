/** Where a command finds its data, the edge, and the key to it. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { EdgeAddress } from "./edge/ask-edge.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  dataDir: string;
  edgeUrl: string;
  json: boolean;
}

export const DEFAULTS = { dataDir: ".data", edgeUrl: "http://127.0.0.1:8787" } as const;
export const ADMIN_KEY_VARIABLE = "EDGE_ADMIN_KEY";
const INGEST_KEY_VARIABLE = "INGEST_KEY";

/** The origin's own folder in a data dir. */
export function originFolder({ dataDir }: Pick<GlobalOptions, "dataDir">): string {
  return join(resolve(dataDir), "origin");
}

const credentialsSchema = z.object({ admin: z.string().min(1), ingest: z.string().min(1) });

/**
 * The edge with its admin key: from EDGE_ADMIN_KEY, else from the keys of a local stack. Throws with what to do when there
 * is neither.
 */
export async function edgeAddressFrom(
  options: GlobalOptions,
  environment: NodeJS.ProcessEnv,
): Promise<EdgeAddress> {
  const adminKey = await keyFrom(options, environment, ADMIN_KEY_VARIABLE, "admin");
  return { url: options.edgeUrl, adminKey };
}

/** Where events are posted, and the key for it: INGEST_URL or the edge itself, which hands them on, and INGEST_KEY. */
export async function ingestAddressFrom(
  options: GlobalOptions,
  environment: NodeJS.ProcessEnv,
): Promise<{ url: string; key: string }> {
  const key = await keyFrom(options, environment, INGEST_KEY_VARIABLE, "ingest");
  return { url: environment.INGEST_URL || options.edgeUrl, key };
}

async function keyFrom(
  { dataDir, edgeUrl }: GlobalOptions,
  environment: NodeJS.ProcessEnv,
  variable: string,
  role: "admin" | "ingest",
): Promise<string> {
  const given = environment[variable];
  if (given !== undefined && given !== "") return given;
  const path = join(resolve(dataDir), "credentials.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const hint = `Set ${variable}, or name the data dir of a local stack with --data-dir.`;
    throw new Error(`No ${role} key for ${edgeUrl}: ${path} cannot be read. ${hint}`, {
      cause: error,
    });
  }
  return credentialsSchema.parse(JSON.parse(text))[role];
}
