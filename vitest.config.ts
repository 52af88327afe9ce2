/**
 * Six kinds of test: `domain` and `system` in Node, one project per Worker inside workerd, and `servers`, whose tests need a
 * server or a browser that is not ours and say loudly that they are skipped where it is not there.
 *
 * `vitest run --project domain` runs one of them; `npm test` all but `servers`.
 */
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { publicJwkFrom } from "./contract/signing-jwk.ts";
import { makeSigningKey } from "./local/make-signing-key.ts";
import { auxiliaryWorkers } from "./test/support/auxiliary-workers.ts";
import { TEST_API_KEYS, TEST_USER_HASH_KEY } from "./test/support/test-keys.ts";

const signingKeys = [await makeSigningKey("EdDSA"), await makeSigningKey("ES256")];
// Required secrets are read from here, by the Worker under test and by those beside it.
Object.assign(process.env, {
  API_KEYS: TEST_API_KEYS,
  USER_HASH_KEY: TEST_USER_HASH_KEY,
  SIGNING_KEYS: JSON.stringify({ keys: signingKeys }),
});
/** For the Workers that check tokens and sign none; their tests sign with the key beside. */
const tokenBindings = {
  TOKEN_JWKS: JSON.stringify({ keys: signingKeys.map(publicJwkFrom) }),
  TEST_SIGNING_KEY: JSON.stringify(signingKeys[1]),
};

const INGEST = "workers/ingest/wrangler.toml";
const AGGREGATOR = "workers/aggregator/wrangler.toml";
const PRICING = "wrangler.toml";

/** A project whose tests run in the Worker of `configPath`, beside the real Workers that it binds to. */
function workerProject(
  name: string,
  configPath: string,
  bound: readonly string[],
  bindings: Record<string, string> = {},
) {
  return {
    plugins: [
      cloudflareTest(async () => ({
        wrangler: { configPath },
        miniflare: { bindings, workers: await auxiliaryWorkers(bound) },
      })),
    ],
    // Tests import the shipped model as bytes.
    assetsInclude: ["**/*.onnx"],
    test: { name, include: [`test/workers/${name}/**/*.test.ts`], testTimeout: 30_000 },
  };
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "domain",
          environment: "node",
          include: ["test/domain/**/*.test.ts", "test/origin/**/*.test.ts"],
          testTimeout: 30_000,
        },
      },
      workerProject("ingest", INGEST, [], tokenBindings),
      workerProject("aggregator", AGGREGATOR, [INGEST], tokenBindings),
      workerProject("pricing", PRICING, [INGEST, AGGREGATOR]),
      {
        test: {
          name: "system",
          environment: "node",
          include: ["test/system/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // After all others: it measures, and starts processes that want the machine for themselves.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "servers",
          environment: "node",
          include: ["test/servers/**/*.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
