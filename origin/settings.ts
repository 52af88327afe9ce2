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

/** The origin's own folder in a data dir. */
export function originFolder({ dataDir }: Pick<GlobalOptions, "dataDir">): string {
  return join(resolve(dataDir), "origin");
}

const credentialsSchema = z.object({ admin: z.string().min(1) });

/**
 * The edge with its admin key: from EDGE_ADMIN_KEY, else from the keys of a local stack. Throws with what to do when there
 * is neither.
 */
export async function edgeAddressFrom(
  { dataDir, edgeUrl }: GlobalOptions,
  environment: NodeJS.ProcessEnv,
): Promise<EdgeAddress> {
  const given = environment[ADMIN_KEY_VARIABLE];
  if (given !== undefined && given !== "") return { url: edgeUrl, adminKey: given };
  const path = join(resolve(dataDir), "credentials.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const hint = `Set ${ADMIN_KEY_VARIABLE}, or name the data dir of a local stack with --data-dir.`;
    throw new Error(`No admin key for ${edgeUrl}: ${path} cannot be read. ${hint}`, {
      cause: error,
    });
  }
  return { url: edgeUrl, adminKey: credentialsSchema.parse(JSON.parse(text)).admin };
}
