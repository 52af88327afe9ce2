import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type ExposureRecord,
  exposureMessage,
  exposuresAnswerSchema,
  exposuresIn,
} from "../../../contract/exposures.ts";
import { createMetrics } from "../../../contract/metrics.ts";
import { instantText } from "../../../contract/names.ts";
import type { SetAside } from "../../../contract/set-aside.ts";
import { epochMs } from "../../../domain/units.ts";
import { consume, consumerMetrics } from "../../../workers/pricing/consumers.ts";
import { deadLetterMetrics } from "../../../workers/pricing/dead-letters/dead-letter-metrics.ts";
import { segmentStoreFrom } from "../../../workers/pricing/decisions/segment-store.ts";
import { experimentMetrics } from "../../../workers/pricing/experiments/experiment-metrics.ts";
import { ToldUsers } from "../../../workers/pricing/experiments/exposure-log.ts";
import {
  appendExposures,
  countExposures,
  forgetExposuresBefore,
} from "../../../workers/pricing/experiments/exposure-store.ts";
import { experiment, user, variant } from "../../support/experiment-samples.ts";
import { migrate } from "./migrate.ts";
import { World } from "./world.ts";

const database = drizzle(env.DB);

beforeAll(migrate);
beforeEach(async () => {
  await env.DB.exec("DELETE FROM exposures");
  await env.DB.exec("DELETE FROM exposure_counts");
});

const LOGGED_AT = Date.UTC(2026, 0, 11, 10, 30);

function exposure(n: number, changes: Partial<ExposureRecord> = {}): ExposureRecord {
  return {
    experimentId: "exp_steeper",
    userHash: n.toString(16).padStart(16, "0"),
    variant: "control",
    regionId: "nyc-161",
    productType: "standard_ride",
    decisionId: "nyc-161.standard_ride.7",
    exposedAt: LOGGED_AT - 5,
    loggedAt: LOGGED_AT,
    ...changes,
  };
}

/** As it comes from the queue. */
function message(...told: ExposureRecord[]) {
  const read = exposuresIn(exposureMessage(told));
  if (!read) throw new Error("not a message");
  return read;
}

async function page(query: string) {
  const response = await new World().fetch(`/admin/v1/exposures?${query}`, { key: "admin" });
  return exposuresAnswerSchema.parse(await response.json());
}

describe("exposures", () => {
  it("keep the first variant of a user, however often and in whatever order they are told", async () => {
    const later = exposure(1, { variant: "steeper" });
    await appendExposures(database, [message(exposure(1), exposure(2), later), message(later)]);
    await appendExposures(database, [message(later, exposure(2)), message(exposure(3))]);
    const { exposures } = await page("experiment=exp_steeper");
    expect(exposures.map((one) => [Number.parseInt(one.user_hash, 16), one.variant])).toEqual([
      [1, "control"],
      [2, "control"],
      [3, "control"],
    ]);
    expect(exposures[0]).toMatchObject({
      exposed_at: instantText(LOGGED_AT - 5),
      logged_at: instantText(LOGGED_AT),
    });
  });

  it("are counted once a user, by the variant that stays", async () => {
    const other = { experimentId: "exp_other" };
    await appendExposures(database, [
      message(
        exposure(1),
        exposure(1, { variant: "steeper" }),
        exposure(2, { variant: "steeper" }),
      ),
      message(exposure(1, other), exposure(3)),
    ]);
    await appendExposures(database, [message(exposure(3), exposure(4))]);
    expect(await countExposures(database)).toEqual([
      { experiment: "exp_other", variant: "control", users: 1 },
      { experiment: "exp_steeper", variant: "control", users: 3 },
      { experiment: "exp_steeper", variant: "steeper", users: 1 },
    ]);
  });

  it("are told by the page, of one experiment, each once", async () => {
    const people = Array.from({ length: 25 }, (_, n) => exposure(n + 1));
    await appendExposures(database, [
      message(...people, exposure(1, { experimentId: "exp_other" })),
    ]);
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const { exposures, next }: Awaited<ReturnType<typeof page>> = await page(
        `experiment=exp_steeper&limit=10${after === null ? "" : `&after=${after}`}`,
      );
      seen.push(...exposures.map((one) => one.user_hash));
      after = next;
    } while (after !== null);
    expect(seen).toEqual(people.map(({ userHash }) => userHash));
  });

  it("are forgotten after their time, and their counts stay", async () => {
    await appendExposures(database, [
      message(exposure(1), exposure(2, { loggedAt: LOGGED_AT + 1 })),
    ]);
    await forgetExposuresBefore(database, LOGGED_AT + 1);
    expect((await page("experiment=exp_steeper")).exposures).toHaveLength(1);
    expect(await countExposures(database)).toMatchObject([{ users: 2 }]);
  });

  it("come by the queue of decisions; what is neither is set aside", async () => {
    const metrics = createMetrics();
    const aside: SetAside[] = [];
    const ports = {
      ...{ database, segments: segmentStoreFrom(env.EVENT_LOG) },
      regions: () => ({ confirmLate: async () => undefined }),
      setAside: async (what: SetAside) => void aside.push(what),
      ...{ wallNow: () => epochMs(LOGGED_AT), log: () => undefined },
      metrics: consumerMetrics(metrics, deadLetterMetrics(metrics)),
    };
    const bodies = [
      exposureMessage([exposure(1)]),
      "[]",
      exposureMessage([exposure(2, { userHash: "somebody@example.com" })]),
      '{"exposures":',
    ];
    const messages = bodies.map((body, i) => ({
      ...{ id: String(i), timestamp: new Date(LOGGED_AT), body, attempts: 1 },
      retry: () => {
        throw new Error("nothing is to come again");
      },
    }));
    await consume("decisions", messages, ports);
    expect((await page("experiment=exp_steeper")).exposures).toHaveLength(1);
    expect(aside).toHaveLength(2);
  });

  it.each(["", "experiment=steeper", "experiment=exp_a&limit=0", "experiment=exp_a&after=x"])(
    "are not told for the query %j",
    async (query) => {
      const response = await new World().fetch(`/admin/v1/exposures?${query}`, { key: "admin" });
      expect(response.status).toBe(422);
    },
  );
});

describe("ToldUsers", () => {
  it("knows whom it was asked about, by experiment, and forgets some when there are too many", () => {
    const told = new ToldUsers();
    expect(told.isNew(user(1), 1)).toBe(true);
    expect(told.isNew(user(1), 1)).toBe(false);
    expect(told.isNew(user(1), 2)).toBe(true);
    for (let n = 0; n < 200_000; n++)
      told.isNew({ high: n, low: Math.imul(n, 0x9e3779b1) >>> 0 }, 1);
    expect(told.isNew(user(1), 1)).toBe(true);
  });
});

describe("experimentMetrics()", () => {
  it("alarms when users are not split as the weights say, once there are enough to tell", () => {
    const metrics = createMetrics();
    const variants = [variant("control", 1), variant("steeper", 3)];
    const document = { holdout: null, experiments: [experiment({ variants })] };
    const users = experimentMetrics(metrics, () => document);
    const mismatch = (control: number, steeper: number) => {
      const counts = { control, steeper };
      users.counted(
        Object.entries(counts).map(([name, count]) => ({
          ...{ experiment: "exp_sample", variant: name, users: count },
        })),
      );
      const series = 'pricing_experiment_sample_ratio_mismatch{experiment="exp_sample"} ';
      const line = metrics
        .text()
        .split("\n")
        .find((one) => one.startsWith(series));
      return Number(line?.slice(series.length));
    };
    expect(mismatch(250, 750)).toBe(0);
    expect(mismatch(2, 1)).toBe(0);
    expect(mismatch(500, 500)).toBe(1);
    expect(metrics.text()).toContain(
      'pricing_experiment_users{experiment="exp_sample",variant="steeper"} 500',
    );
    expect([users.isDue(0), users.isDue(59_999), users.isDue(60_000)]).toEqual([true, false, true]);
  });
});
