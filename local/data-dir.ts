/** What lies where in the data dir, and which demo it was made for. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { messageOf } from "../contract/log.ts";
import { DEMOS, type Demo } from "./options.ts";
import { isMissing, replaceFile } from "./replace-file.ts";

export interface DataDir {
  /** Local API keys. */
  credentials: string;
  /** The key user ids are hashed with. */
  userHashKey: string;
  /** The private keys that quotes and access tokens are signed with. */
  signingKeys: string;
  /** Where the demo's clock stood. */
  clock: string;
  /** Held by the supervisor as long as it lives. */
  lock: string;
  /** The last run: its ports, and whether it ended well. */
  run: string;
  /** What the data dir was made for. */
  marker: string;
  /** How far the demo feed has come. */
  feedCursor: string;
  /** KV, Durable Objects, D1 and R2. */
  edge: string;
  edgeTemporary: string;
  origin: string;
  logs: string;
}

export function dataDirFrom(root: string): DataDir {
  return {
    credentials: join(root, "credentials.json"),
    userHashKey: join(root, "user-hash-key"),
    signingKeys: join(root, "signing-keys.json"),
    clock: join(root, "clock.json"),
    lock: join(root, "lock.sqlite"),
    run: join(root, "run.json"),
    marker: join(root, "data-dir.json"),
    feedCursor: join(root, "feed.json"),
    edge: join(root, "edge"),
    edgeTemporary: join(root, "edge-tmp"),
    origin: join(root, "origin"),
    logs: join(root, "logs"),
  };
}

const markerSchema = z.object({ demo: z.enum(DEMOS) });

/**
 * Makes the data dir, or says why it cannot be used: event time of one demo is no event time of another, so the windows
 * kept here would be years late or years ahead.
 */
export async function openDataDir(
  root: string,
  dataDir: DataDir,
  demo: Demo,
): Promise<string | null> {
  try {
    await mkdir(dataDir.logs, { recursive: true });
  } catch (error) {
    return `${root} cannot be a data dir. ${messageOf(error)}`;
  }
  const kept = await markerOf(dataDir.marker);
  if (kept === null) {
    await replaceFile(dataDir.marker, `${JSON.stringify({ demo })}\n`);
    return null;
  }
  if (kept === demo) return null;
  return `${root} was made with --demo ${kept}. Start with --demo ${kept}, or give this start a --data-dir of its own.`;
}

async function markerOf(path: string): Promise<Demo | null> {
  try {
    return markerSchema.parse(JSON.parse(await readFile(path, "utf8"))).demo;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
