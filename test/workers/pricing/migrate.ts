import { env } from "cloudflare:workers";

const migrations = import.meta.glob<string>("../../../migrations/edge/*.sql", {
  query: "?raw",
  import: "default",
  eager: true,
});

/** Brings the test's D1 to the present schema; for a database that is empty. */
export async function migrate(): Promise<void> {
  const statements = Object.keys(migrations)
    .sort()
    .flatMap((path) => (migrations[path] ?? "").split("--> statement-breakpoint"))
    .map((sql) => env.DB.prepare(sql));
  await env.DB.batch(statements);
}
