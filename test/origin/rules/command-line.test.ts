/** The rules command line as people run it; what it prints lies beside the inputs under test/golden/rules. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { rulesVersionOf } from "../../../contract/rules.ts";

const ROOT = join(import.meta.dirname, "../../..");
const CLI = join(ROOT, "origin/rules/index.ts");
const GOLDEN = "test/golden/rules";
const SHIPPED = "rules/packs/ride-hailing.yaml";
const REGIONS = "data/nyc/regions.json";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rules-cli-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function rules(...args: string[]): Promise<Ended> {
  const all = [CLI, "--data-dir", folder, ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

describe("rules validate", () => {
  test.each([
    { file: "conflicting", code: 1 },
    { file: "misspelt", code: 1 },
    { file: "faulty", code: 0 },
  ])("names what is wrong with $file.yaml by line and column", async ({ file, code }) => {
    const path = `${GOLDEN}/${file}.yaml`;
    const ended = await rules("validate", path, "--regions", REGIONS);
    await expect(ended.stdout).toMatchFileSnapshot(join(ROOT, `${GOLDEN}/${file}.validate.txt`));
    expect(ended.code).toBe(code);
  });

  test("fails on warnings with --strict, and tells them as JSON with --json", async () => {
    const { code, stdout } = await rules("--json", "validate", "--strict", `${GOLDEN}/faulty.yaml`);
    expect(code).toBe(1);
    const { errors, findings } = JSON.parse(stdout);
    expect(errors).toBe(0);
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: "warning", reason: "over", line: 20, column: 5 }),
    );
  });

  test("names where a file is no YAML", async () => {
    const path = join(folder, "broken.yaml");
    await writeFile(path, "rules:\n  - name: [everywhere\n");
    const { code, stdout } = await rules("validate", path);
    expect(code).toBe(1);
    expect(stdout).toMatch(/broken\.yaml:3:1 error syntax: /);
  });

  test("refuses rules that leave a region's product without a price", async () => {
    const { code, stdout } = await rules(
      ...["validate", `${GOLDEN}/conflicting.yaml`.replace("conflicting", "before")],
      ...["--regions", "rules/packs/hospitality.regions.json"],
    );
    expect(code).toBe(1);
    expect(stdout).toContain("error unpriced_product");
  });

  test("finds nothing wrong with the shipped rules", async () => {
    const { code, stdout } = await rules("validate", "--strict", SHIPPED, "--regions", REGIONS);
    expect(stdout).toBe(`${SHIPPED}: 0 errors, 0 warnings\n`);
    expect(code).toBe(0);
  });
});

describe("rules diff", () => {
  test("says what changes for whom, regions that change alike in one line", async () => {
    const files = [`${GOLDEN}/before.yaml`, `${GOLDEN}/after.yaml`];
    const { code, stdout } = await rules("diff", ...files, "--regions", REGIONS);
    await expect(stdout).toMatchFileSnapshot(join(ROOT, `${GOLDEN}/before-after.diff.txt`));
    expect(code).toBe(0);
  });

  test("of a file and itself says that nothing changes", async () => {
    const { stdout } = await rules("diff", SHIPPED, SHIPPED);
    expect(stdout).toBe("Nothing changes.\n");
  });
});

describe("rules compile", () => {
  test("writes the JSON whose hash is the version", async () => {
    const out = join(folder, "rules.json");
    const { stdout } = await rules("--json", "compile", SHIPPED, "--out", out);
    const { version } = JSON.parse(stdout);
    expect(rulesVersionOf(JSON.parse(await readFile(out, "utf8")))).toBe(version);
  });

  test("prints the document alone without --out", async () => {
    const { stdout } = await rules("compile", SHIPPED);
    expect(JSON.parse(stdout).rules[0].name).toBe("everywhere");
  });
});

// Of a machine with other work the first run asks a minute: it takes the shipped tables into a store.
describe("rules simulate", { timeout: 240_000 }, () => {
  let store: string;
  beforeAll(async () => {
    store = await mkdtemp(join(tmpdir(), "rules-store-"));
  });
  afterAll(() => rm(store, { recursive: true, force: true }));
  const simulate = (...args: string[]) => rules("--data-dir", store, "simulate", ...args);

  const DAY = ["--from", "2014-05-20T04:00:00Z", "--until", "2014-05-21T04:00:00Z"];

  test("tells prices, revenue and movers of a recorded day, and writes a report with charts", async () => {
    const report = join(folder, "report.html");
    const { code, stdout } = await simulate(
      ...["--json", `${GOLDEN}/after.yaml`, "--against", `${GOLDEN}/before.yaml`],
      ...[...DAY, "--every", "15", "--html", report],
    );
    expect(code).toBe(0);
    const { seconds, decisions_per_s, ...found } = JSON.parse(stdout);
    expect(seconds).toBeGreaterThan(0);
    expect(decisions_per_s).toBeGreaterThan(0);
    // Regions x products x quarter hours x sides.
    expect(found.decisions).toBe(72 * 2 * 96 * 2);
    await expect(`${JSON.stringify(found, null, 2)}\n`).toMatchFileSnapshot(
      join(ROOT, `${GOLDEN}/before-after.simulation.json`),
    );
    const html = await readFile(report, "utf8");
    expect(html.match(/<svg/g)).toHaveLength(4);
    expect(html).not.toMatch(/<script|<link|src=/);
  });

  test("of rules against themselves changes nothing", async () => {
    const { stdout } = await simulate("--json", SHIPPED, "--against", SHIPPED, ...DAY);
    const { before, after, revenue, movers } = JSON.parse(stdout);
    expect(after).toEqual(before);
    expect(revenue[0].change).toBe(0);
    expect(movers).toEqual({ places: [], hours: [] });
  });

  test("refuses days that were not recorded", async () => {
    const { code, stderr } = await simulate(SHIPPED, "--from", "2020-01-01T00:00:00Z");
    expect(code).toBe(1);
    expect(stderr).toContain("not within what is recorded");
  });
});
