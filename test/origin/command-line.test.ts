import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const ORIGIN = join(import.meta.dirname, "../../origin/index.ts");

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "command-line-"));
  await writeFile(
    join(folder, "good.csv"),
    "region_id,slot_at,bookings\na-1,2026-01-05T10:00:00Z,3\n",
  );
  await writeFile(
    join(folder, "bad.csv"),
    "region_id,slot_at,bookings\na-1,2026-01-05T10:01:00Z,3\n",
  );
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs the command line with a data dir of its own and no key in the environment. */
function origin(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { EDGE_ADMIN_KEY: _, ...env } = process.env;
  const all = [ORIGIN, ...args, "--data-dir", folder];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { env, cwd: folder }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

describe("origin import", () => {
  test("with --json prints one document on standard output, and lines for people beside it", async () => {
    const { code, stdout, stderr } = await origin("--json", "import", "good.csv");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ imports: [{ file: "good.csv", rows: 1 }] });
    expect(stderr).toContain("good.csv: 1 rows of bookings");
  });

  test("ends with 1 when a file could not be imported, and imports the others", async () => {
    const { code, stdout } = await origin("import", "bad.csv", "good.csv");
    expect(code).toBe(1);
    expect(stdout).toContain("bad.csv: not imported");
    expect(stdout).toContain("1 of 2 imported");
  });
});

describe("origin publish", () => {
  test("without a key says where it looked and what to do", async () => {
    await writeFile(join(folder, "rules.json"), "{}");
    const { code, stderr } = await origin("publish", "--rules", "rules.json");
    expect(code).toBe(1);
    expect(stderr).toContain("EDGE_ADMIN_KEY");
  });

  test("asks for something to publish", async () => {
    const { code, stderr } = await origin("publish");
    expect(code).toBe(1);
    expect(stderr).toContain("--rules");
  });
});

describe("origin replay", () => {
  test("of a range that holds nothing says so, and does not pass for a range without differences", async () => {
    const range = ["--from", "2026-01-05T10:00:00Z", "--to", "2026-01-05T11:00:00Z"];
    const { code, stdout } = await origin("replay", "--region", "a-1", "--verify", ...range);
    expect(code).toBe(1);
    expect(stdout).toContain("no events of a-1");
  });
});
