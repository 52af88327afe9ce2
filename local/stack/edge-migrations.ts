import { createHash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { V4WorkerOptions } from "miniflare";
import { isMissing, replaceFile } from "../replace-file.ts";
import { PROJECT_ROOT } from "./worker-build.ts";

const MIGRATIONS = join(PROJECT_ROOT, "migrations/edge");
const BINDING = "DB";

/**
 * Brings the decision database to the present schema, before any Worker asks it.
 *
 * A runtime of its own does that, with the database and nothing else. What was applied is remembered beside the database,
 * so that a start with nothing to apply pays for none of it.
 *
 * @param edgeFolder where Miniflare keeps everything
 * @param databases as the pricing Worker's build binds them
 */
export async function migrateEdge(
  edgeFolder: string,
  databases: V4WorkerOptions["d1Databases"],
): Promise<void> {
  await mkdir(edgeFolder, { recursive: true });
  const marker = join(edgeFolder, "migrated");
  const present = await hashOfMigrations();
  if ((await textOf(marker)) === present) return;

  const [{ convertV4MiniflareOptions, Miniflare }, { drizzle }, { migrate }] = await Promise.all([
    import("miniflare"),
    import("drizzle-orm/d1"),
    import("drizzle-orm/d1/migrator"),
  ]);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      resourcePersistencePath: edgeFolder,
      workers: [
        {
          name: "migrations",
          modules: [{ type: "ESModule", path: "index.js", contents: "export default {}" }],
          ...(databases === undefined ? {} : { d1Databases: databases }),
        },
      ],
    }),
  );
  try {
    const database = await miniflare.getD1Database(BINDING);
    await migrate(drizzle(database), { migrationsFolder: MIGRATIONS });
  } finally {
    await miniflare.dispose();
  }
  await replaceFile(marker, present);
}

async function hashOfMigrations(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(MIGRATIONS)).sort()) {
    if (name.endsWith(".sql")) hash.update(name).update(await readFile(join(MIGRATIONS, name)));
  }
  return hash.digest("hex");
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
