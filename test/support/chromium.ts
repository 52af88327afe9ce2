import { type Browser, chromium } from "playwright-core";

/** This machine, by a name whose plain HTTP the browser does not take for secure. */
export const INSECURE_HOST = "plain.test";

/** The browser that CHROMIUM_PATH names; null, and said loudly, where it names none. */
export function chromiumForTests(): (() => Promise<Browser>) | null {
  const executablePath = process.env.CHROMIUM_PATH;
  if (executablePath) return () => chromium.launch({ executablePath, args: FLAGS });
  console.warn(
    [
      "!!! SKIPPED: tests of the SDK in a browser need Chromium, and CHROMIUM_PATH names none.",
      "!!! Get it with:  export $(.ci/servers/chromium.sh)   (apt installs it where it is missing)",
    ].join("\n"),
  );
  return null;
}

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--no-first-run",
  "--disable-component-update",
  "--disable-sync",
  `--host-resolver-rules=MAP ${INSECURE_HOST} 127.0.0.1`,
];
