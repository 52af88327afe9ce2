/** The store for Workers, in the storage of a real Durable Object. */
import { join } from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { STORE_CONTRACT } from "./store-contract.ts";

let miniflare: Miniflare;
beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "durable-object-contract-worker.ts")],
    bundle: true,
    format: "esm",
    write: false,
  });
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      workers: [
        {
          name: "contract",
          compatibilityDate: "2026-11-01",
          modules: true,
          script: outputFiles[0]?.text ?? "",
          durableObjects: { CONTRACT: { className: "Contract", useSQLite: true } },
        },
      ],
    }),
  );
  await miniflare.ready;
});
afterAll(() => miniflare.dispose());

describe("durableObjectStore()", () => {
  test.each(Object.keys(STORE_CONTRACT))("%s", async (name) => {
    const url = `http://contract/${encodeURIComponent(name)}`;
    const response = await miniflare.dispatchFetch(url);
    expect(await response.text()).toBe("holds");
  });
});
