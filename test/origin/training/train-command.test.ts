import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { modelCardSchema, modelVersionOf } from "../../../contract/model.ts";
import {
  DAY_MS,
  epochMs,
  HOUR_MS,
  plus,
  QUARTER_HOUR_MS,
  type RegionId,
} from "../../../domain/units.ts";
import { openOfflineStore } from "../../../origin/offline/offline-store.ts";
import { loadDemandHistory } from "../../../origin/training/history-from-store.ts";
import { bookingCounts, START_AT } from "./demand-samples.ts";

const DAYS = 20;
const REGIONS = { "lon-1": 6, "lon-2": 12 };
const WEATHER_HOURS = 30;

let folder: string;
let regionsFile: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "train-command-"));
  regionsFile = join(folder, "regions.json");
  const regions = Object.keys(REGIONS).map((id) => ({
    region_id: id,
    name: id,
    timezone: "Europe/London",
    currency: "GBP",
    product_types: ["ride"],
  }));
  await writeFile(regionsFile, JSON.stringify({ regions }));

  const bookings = Object.entries(REGIONS).flatMap(([id, busiest]) =>
    bookingCounts(DAYS, busiest, busiest).map((count, slot) => `${id},${timeOf(slot)},${count}`),
  );
  const weather = Array.from(
    { length: WEATHER_HOURS },
    (_, hour) => `lon,${timeOf(4 * hour)},${40 + hour},0.1`,
  );
  await importCsv("bookings", ["region_id,slot_at,bookings", ...bookings]);
  await importCsv("weather", ["place,hour_at,temp_f,precip_in", ...weather]);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const timeOf = (slot: number) => new Date(START_AT + slot * QUARTER_HOUR_MS).toISOString();

async function origin(...args: string[]): Promise<string> {
  const command = ["origin/index.ts", "--data-dir", folder, "--json", ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command);
  return stdout;
}

async function importCsv(entity: string, lines: string[]): Promise<void> {
  const file = join(folder, `${entity}.csv`);
  await writeFile(file, lines.join("\n"));
  await origin("import", "--entity", entity, file);
}

describe("origin train", () => {
  test("writes a model and its card, and prints the card as the only thing on standard output", async () => {
    const output = join(folder, "model");
    const printed = JSON.parse(
      await origin("train", "--regions", regionsFile, "--threads", "2", "--output", output),
    );
    expect((await readdir(output)).sort()).toEqual(["card.json", "model.onnx"]);
    const card = modelCardSchema.parse(
      JSON.parse(await readFile(join(output, "card.json"), "utf8")),
    );
    expect(card.version).toBe(modelVersionOf(await readFile(join(output, "model.onnx"))));
    expect(printed).toMatchObject({ folder: output, card: { version: card.version } });
  }, 60_000);
});

describe("origin evaluate", () => {
  test("prints the errors of the model and of the baselines, by horizon and for the hour", async () => {
    const trainUntil = new Date(plus(START_AT, 16 * DAY_MS)).toISOString();
    const report = JSON.parse(
      await origin("evaluate", "--regions", regionsFile, "--train-until", trainUntil),
    );
    expect(report).toMatchObject({ from: trainUntil, regions: 2 });
    expect(report.horizons).toHaveLength(4);
    for (const { model, seasonal_naive } of [...report.horizons, report.hourly]) {
      expect(model.wape).toBeLessThan(seasonal_naive.wape);
    }
  }, 60_000);

  test("learns from the shipped tables, over their last two weeks, where the store is empty", async () => {
    const quiet = join(folder, "quiet.json");
    await writeFile(quiet, JSON.stringify({ regions: await quietestShippedRegions(2) }));
    const empty = join(folder, "empty");
    const report = JSON.parse(
      await origin("--data-dir", empty, "evaluate", "--regions", quiet, "--threads", "2"),
    );
    const from = "2014-05-18T04:00:00.000Z";
    expect(report).toMatchObject({ from, until: "2014-06-01T04:00:00.000Z", regions: 2 });
  }, 60_000);
});

async function quietestShippedRegions(count: number): Promise<unknown[]> {
  const { regions } = JSON.parse(await readFile("data/nyc/regions.json", "utf8"));
  return regions.slice(-count);
}

describe("loadDemandHistory()", () => {
  test("gives each region its bookings, and the weather of its place as long as it is valid", async () => {
    const store = await openOfflineStore(join(folder, "origin"));
    try {
      const wanted = [{ regionId: "lon-2" as RegionId, timeZone: "Europe/London" }];
      const history = await loadDemandHistory(store, wanted, epochMs(Date.now()));
      const [region] = history?.regions ?? [];
      const counts = bookingCounts(DAYS, 12, 12);
      expect(region?.bookings.between(START_AT, plus(START_AT, DAY_MS))).toBe(
        counts.slice(0, 96).reduce((sum, count) => sum + count, 0),
      );
      const tempAt = (hours: number) =>
        region?.contextAt(plus(START_AT, hours * HOUR_MS)).weather?.value.tempF;
      expect(tempAt(3.75)).toBe(43);
      expect(tempAt(WEATHER_HOURS + 0.5)).toBe(40 + WEATHER_HOURS - 1);
      expect(tempAt(WEATHER_HOURS + 1)).toBeUndefined();
    } finally {
      store.close();
    }
  });
});
