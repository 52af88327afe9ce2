import { join } from "node:path";
import { drizzle } from "drizzle-orm/d1";
import { migrate } from "drizzle-orm/d1/migrator";
import type { Miniflare } from "miniflare";
import { PROJECT_ROOT } from "./worker-build.ts";

const MIGRATIONS = join(PROJECT_ROOT, "migrations/edge");

/** Brings the decision database to the present schema; what was applied before is left alone. */
export async function migrateEdge(miniflare: Miniflare): Promise<void> {
  const database = await miniflare.getD1Database("DB", "pricing");
  await migrate(drizzle(database), { migrationsFolder: MIGRATIONS });
}
