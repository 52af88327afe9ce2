import { setTimeout as pause } from "node:timers/promises";
import { pino } from "pino";
import { eventTimeAt } from "../../contract/clock.ts";
import { MAX_EVENTS_PER_REQUEST } from "../../contract/events.ts";
import { epochMs, floorTo, MINUTE_MS, plus, SECOND_MS } from "../../domain/units.ts";
import { FEED_CONFIGURATION_VARIABLE, feedConfigurationSchema } from "./configuration.ts";
import { loadCursor, saveCursor } from "./cursor-file.ts";
import { openDemo } from "./open-demo.ts";
import { playFeed } from "./play.ts";
import { postEvents } from "./post-events.ts";
import { FeedProgress } from "./progress.ts";

/**
 * The demo feed, a process of its own.
 *
 * It ends on SIGTERM and SIGINT, and when the process that started it is gone: no feed outlives its
 * stack.
 */
const REPORT_MS = 10 * SECOND_MS;
/** A request under way may finish when the feed is stopped, so that its events are not sent again. */
const GRACE_MS = SECOND_MS;
/** Below the allowed lateness of the regions. */
const MAX_FIRST_LAG_MS = 4 * MINUTE_MS;

const text = process.env[FEED_CONFIGURATION_VARIABLE];
if (text === undefined) throw new Error(`${FEED_CONFIGURATION_VARIABLE} is not set`);
const configuration = feedConfigurationSchema.parse(JSON.parse(text));
const { demo, cursorFile, seed } = configuration;

const stop = new AbortController();
for (const reason of ["SIGTERM", "SIGINT", "disconnect"] as const) {
  process.once(reason, () => stop.abort(reason));
}
const cut = new AbortController();
stop.signal.addEventListener("abort", () => setTimeout(() => cut.abort(), GRACE_MS).unref());
// The parent may be gone before the listener was there.
if (process.connected === false) stop.abort("disconnect");

const log = pino({
  base: { service: "feed" },
  messageKey: "message",
  timestamp: () => `,"at":"${new Date().toISOString()}"`,
  formatters: { level: (label) => ({ level: label }) },
});
const wallStartAt = epochMs(Date.now());
const clockStartAt = demo.name === "nyc" ? demo.clock.eventAt : wallStartAt;
const eventNow = () =>
  demo.name === "nyc" ? eventTimeAt(demo.clock, Date.now()) : epochMs(Date.now());

// The clock ran while the stack started. What it passed then would come too late for the windows, so the feed leaves it out.
const soonEnough = plus(eventNow(), -MAX_FIRST_LAG_MS);
const beginning = floorTo(epochMs(Math.max(clockStartAt, soonEnough)), MINUTE_MS);
const saved = await loadCursor(cursorFile);
const startAt = saved?.startAt ?? beginning;
// A virtual clock stood still while nothing ran; the wall clock did not, and what it passed is too late for the windows.
const resumeAt = demo.name === "nyc" ? saved?.nextAt : undefined;
const nextAt = resumeAt ?? epochMs(Math.max(saved?.nextAt ?? beginning, beginning));
const source = await openDemo(demo, seed, startAt);

const progress = new FeedProgress(log);
const reports = setInterval(() => progress.report(eventNow()), REPORT_MS);
log.info({ next_at: new Date(nextAt).toISOString(), demo: demo.name }, "feed starts");
await playFeed(
  {
    source,
    maxEvents: MAX_EVENTS_PER_REQUEST,
    post: (events) => postEvents(configuration, events, cut.signal),
    eventNow,
    sleep: async (lengthMs) => {
      try {
        await pause(lengthMs, undefined, { signal: stop.signal });
      } catch (error) {
        if (!stop.signal.aborted) throw error;
      }
    },
    saveCursor: (at) => saveCursor(cursorFile, { startAt, nextAt: at }),
    observe: (note) => progress.note(note),
  },
  nextAt,
  stop.signal,
);
clearInterval(reports);
progress.report(eventNow());
log.info({ reason: String(stop.signal.reason) }, "feed ends");
// The channel to the parent would keep the process alive.
if (process.connected) process.disconnect();
