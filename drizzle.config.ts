import { defineConfig } from "drizzle-kit";

/** The edge's database: `npx drizzle-kit generate` writes the next migration. */
export default defineConfig({
  dialect: "sqlite",
  schema: "./workers/pricing/schema.ts",
  out: "./migrations/edge",
});
