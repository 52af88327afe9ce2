/**
 * `npm run load`: a realistic load against a running stack, sent at its rate whatever the answers take.
 *
 * Regions by Zipf's law, hours by their peaks, bursts, repeats under the same key, late events: local/feed/synthetic. A line
 * every five seconds says what was sent and answered; the last says all of it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { eventsAnswerSchema, MAX_EVENTS_PER_REQUEST } from "../contract/events.ts";
import { messageOf } from "../contract/log.ts";
import { NEW_YORK_TIME_ZONE } from "../data/nyc/period.ts";
import { loadZones } from "../data/nyc/tables.ts";
import { SECOND_MS } from "../domain/units.ts";
import { SyntheticLoad } from "../local/feed/synthetic/synthetic-load.ts";
import { percentile } from "./table.ts";

interface LoadOptions {
  rate: number;
  seconds: number;
  regions: number;
  seed: number;
  url: string;
  dataDir: string;
  body: number;
}

const options = new Command("load")
  .description("Sends a day's load, its rate around the mean, to a running stack.")
  .option("--rate <events/s>", "mean over a day; the hour decides what it is now", Number, 1_000)
  .option("--seconds <n>", "how long", Number, 60)
  .option("--regions <n>", "how many of the published regions, the busiest first", Number, 60)
  .option("--body <n>", "events of a request, at most", Number, MAX_EVENTS_PER_REQUEST)
  .option("--seed <n>", "another seed is another load", Number, 1)
  .option("--url <url>", "ingest", "http://127.0.0.1:8788")
  .option("--data-dir <folder>", "where the stack keeps its keys", ".data")
  .addHelpText(
    "after",
    "\nThe load is of now: a stack whose demo plays in 2014 refuses it. Start one with --demo none or synthetic.",
  )
  .parse()
  .opts<LoadOptions>();

/** Slices of a second that go out together. */
const SLICE_MS = 50;
const REPORT_EVERY_S = 5;

const { ingest: key } = JSON.parse(
  await readFile(join(options.dataDir, "credentials.json"), "utf8"),
) as { ingest: string };
const regionIds = (await loadZones()).slice(0, options.regions).map(({ regionId }) => regionId);
const load = new SyntheticLoad({
  seed: options.seed,
  regionIds,
  timeZone: NEW_YORK_TIME_ZONE,
  eventsPerS: options.rate,
});

const sum = { sent: 0, accepted: 0, rejected: 0, failed: 0 };
let toldOfFailure = false;
const latenciesMs: number[] = [];
const answers = new Set<Promise<void>>();
const firstSecond = Math.ceil(Date.now() / SECOND_MS);
for (let second = firstSecond; second < firstSecond + options.seconds; second++) {
  const events = load.eventsOfSecond(second);
  let from = 0;
  for (let sliceAt = second * SECOND_MS; sliceAt < (second + 1) * SECOND_MS; sliceAt += SLICE_MS) {
    await sleep(Math.max(0, sliceAt + SLICE_MS - Date.now()));
    let to = from;
    while (to < events.length && (events[to]?.at ?? 0) < sliceAt + SLICE_MS) to++;
    for (; from < to; from += options.body) {
      const body = events.slice(from, Math.min(to, from + options.body)).map(({ event }) => event);
      const answer = post(body).finally(() => answers.delete(answer));
      answers.add(answer);
    }
    from = to;
  }
  if ((second - firstSecond + 1) % REPORT_EVERY_S === 0) report();
}
await Promise.all(answers);
report();
process.exitCode = sum.failed > 0 ? 1 : 0;

/** Sends one body; what was not accepted is counted, not sent again: the load shows what the service does under it. */
async function post(events: readonly object[]): Promise<void> {
  const sentAt = performance.now();
  sum.sent += events.length;
  try {
    const response = await fetch(new URL("/api/v1/events", options.url), {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ events }),
    });
    const text = await response.text();
    latenciesMs.push(performance.now() - sentAt);
    if (response.status !== 202) {
      failed(events.length, `${response.status}: ${text.slice(0, 500)}`);
      return;
    }
    const { accepted, rejected } = eventsAnswerSchema.parse(JSON.parse(text));
    sum.accepted += accepted;
    sum.rejected += rejected.length;
  } catch (error) {
    // A connection that was refused or cut; anything else is a bug.
    if (!(error instanceof TypeError)) throw error;
    failed(events.length, messageOf(error));
  }
}

/** Counts what was not taken; the first time it says why. */
function failed(events: number, reason: string): void {
  sum.failed += events;
  if (!toldOfFailure) console.error(`The first failure: ${reason}`);
  toldOfFailure = true;
}

function report(): void {
  const ms = (share: number) => percentile(latenciesMs, share).toFixed(1);
  console.log(
    `sent ${sum.sent}, accepted ${sum.accepted}, rejected ${sum.rejected}, failed ${sum.failed}; answers p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms`,
  );
}
