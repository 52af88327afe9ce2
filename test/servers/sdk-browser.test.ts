/** The SDK in a real browser: its store, and its example against the local stack, over tabs, reloads and lost networks. */
import { join } from "node:path";
import { build } from "esbuild";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SHARED_STORE_CONTRACT, STORE_CONTRACT } from "../domain/sdk/store-contract.ts";
import { buildSdk } from "../support/build-sdk.ts";
import { chromiumForTests, INSECURE_HOST } from "../support/chromium.ts";
import { readDemand } from "../support/edge-requests.ts";
import { freePortRange } from "../support/port-range.ts";
import { until } from "../support/processes.ts";
import { type Stack, startStack } from "../support/stack.ts";
import { type StaticServer, startStaticServer } from "../support/static-server.ts";

const ROOT = join(import.meta.dirname, "../..");
const PATIENCE_MS = 15_000;
const launch = chromiumForTests();

describe.skipIf(launch === null)("the SDK in Chromium", () => {
  let browser: Browser;
  let site: StaticServer;
  let context: BrowserContext;

  beforeAll(async () => {
    buildSdk();
    const { outputFiles } = await build({
      entryPoints: [join(ROOT, "sdk/test/indexed-db-contract-page.ts")],
      bundle: true,
      format: "esm",
      write: false,
    });
    site = await startStaticServer(ROOT, {
      "/contract.js": outputFiles[0]?.text ?? "",
      "/contract.html": '<!doctype html><body><script type="module" src="contract.js"></script>',
    });
    if (launch) browser = await launch();
  });
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context.close());
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  async function runCase(url: string, name: string): Promise<void> {
    const page = await context.newPage();
    await page.goto(`${url}/contract.html`);
    expect(await page.evaluate("isSecureContext")).toBe(url === site.url);
    await page.evaluate(`runCase(${JSON.stringify(name)})`);
  }

  describe("indexedDbStore()", () => {
    const names = Object.keys({ ...STORE_CONTRACT, ...SHARED_STORE_CONTRACT });
    test.each(names)("%s", (name) => runCase(site.url, name));
  });

  // Events of the contract are months old, so nobody takes them for a living tab's.
  describe("indexedDbStore() in a page that is not served securely, so without locks", () => {
    test.each(Object.keys(STORE_CONTRACT))("%s", (name) => {
      return runCase(site.url.replace("localhost", INSECURE_HOST), name);
    });
  });

  describe("the example, against the local stack", () => {
    let stack: Stack;
    beforeAll(async () => {
      stack = await startStack({ port: await freePortRange() });
    });
    afterAll(() => stack?.stop());

    async function openExample(region: string): Promise<Page> {
      const parameters = new URLSearchParams({
        endpoint: `${stack.ingestUrl}/api/v1/events`,
        key: stack.keys.public,
        region,
      });
      const page = await context.newPage();
      await page.goto(`${site.url}/sdk/examples/browser/index.html?${parameters}`);
      return page;
    }

    async function showsStats(page: Page, text: string): Promise<void> {
      await page.getByText(text).waitFor({ timeout: PATIENCE_MS });
    }

    async function untilCounted(region: string, expected: Record<string, number>): Promise<void> {
      const counts = async () => (await readDemand(stack, region)).totals;
      await until(`${JSON.stringify(expected)} in ${region}`, PATIENCE_MS, async () => {
        const totals: Record<string, number> = await counts();
        return Object.entries(expected).every(([type, count]) => totals[type] === count);
      });
      expect(await counts()).toMatchObject(expected);
    }

    test("tells of a visit, a search and a booking, from another origin, with a public key", async () => {
      const page = await openExample("nyc-161");
      await page.click("#search");
      await page.click("#book");
      await showsStats(page, "3 tracked, 0 from before, 3 accepted, 0 waiting");
      await untilCounted("nyc-161", { view: 1, search: 1, booking: 1, duplicates: 0 });
    });

    test("a page that is closed sends what waited", async () => {
      const page = await openExample("nyc-234");
      await showsStats(page, "1 accepted");
      for (let n = 0; n < 5; n++) await page.click("#book");
      await page.close({ runBeforeUnload: false });
      await untilCounted("nyc-234", { view: 1, booking: 5 });
    });

    test("what was tracked without a network outlives its page, and the next page sends it once", async () => {
      const page = await openExample("nyc-231");
      await showsStats(page, "1 accepted");
      await context.setOffline(true);
      for (let n = 0; n < 7; n++) await page.click("#book");
      await showsStats(page, "7 waiting");
      await page.close();
      await context.setOffline(false);
      const next = await openExample("nyc-231");
      await showsStats(next, "1 tracked, 7 from before, 8 accepted, 0 waiting");
      await untilCounted("nyc-231", { view: 2, booking: 7, duplicates: 0 });
    });

    test("a tab leaves the events of another that lives alone, and takes over those of one that was closed", async () => {
      const [first, second] = [await openExample("nyc-237"), await openExample("nyc-237")];
      await Promise.all([showsStats(first, "1 accepted"), showsStats(second, "1 accepted")]);
      await context.setOffline(true);
      await first.click("#book");
      await second.click("#book");
      await Promise.all([showsStats(first, "1 waiting"), showsStats(second, "1 waiting")]);
      await first.close();
      await context.setOffline(false);
      const third = await openExample("nyc-237");
      await showsStats(third, "1 tracked, 1 from before, 2 accepted, 0 waiting");
      await showsStats(second, "2 tracked, 0 from before, 2 accepted, 0 waiting");
      await untilCounted("nyc-237", { view: 3, booking: 2, duplicates: 0 });
    });
  });
});
