import { defineConfig } from "drizzle-kit";

/** The origin's database: `npx drizzle-kit generate --config origin/database/drizzle.config.ts` writes the next migration. */
export default defineConfig({
  dialect: "sqlite",
  schema: "./origin/database/schema.ts",
  out: "./migrations/origin",
});
