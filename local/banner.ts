/** What a start prints. */
import { eventTimeAt, type VirtualClock } from "../contract/clock.ts";
import { NEW_YORK_TIME_ZONE } from "../data/nyc/period.ts";
import type { DataDir } from "./data-dir.ts";
import { portsFrom, type StartOptions } from "./options.ts";

const localTime = new Intl.DateTimeFormat("en-GB", {
  timeZone: NEW_YORK_TIME_ZONE,
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** What runs where, with one command that works as pasted. */
export function banner(
  options: StartOptions,
  dataDir: DataDir,
  host: string,
  clock: VirtualClock | null,
): string {
  const ports = portsFrom(options.port);
  const url = (port: number) => `http://${host}:${port}`;
  const rows: [string, string][] = [
    ["pricing", `${url(ports.pricing)}   all routes; /docs shows them`],
    ["ingest", `${url(ports.ingest)}   events`],
    ["aggregator", `${url(ports.aggregator)}   health and metrics`],
    ["origin", options.origin ? `${url(ports.origin)}   health and metrics` : "not started"],
    ["demo", demoText(options, clock)],
    ["keys", dataDir.credentials],
    ["logs", dataDir.logs],
  ];
  return [
    "",
    ...rows.map(([name, text]) => `  ${name.padEnd(12)}${text}`),
    "",
    "A price:",
    "",
    `  ${priceCommand(url(ports.pricing), dataDir.credentials)}`,
    "",
    "Ctrl-C stops everything.",
    "",
  ].join("\n");
}

function demoText({ demo, rate }: StartOptions, clock: VirtualClock | null): string {
  if (demo === "synthetic") return `a day's load of ${rate} events/s on average, on the wall clock`;
  if (clock === null) return "none: events are yours, on the wall clock";
  const now = localTime.format(eventTimeAt(clock, clock.wallAt));
  return `New York from ${now} on, at ${clock.speed} times its speed`;
}

/** The key is read when the command runs, so that it stays out of the terminal. */
function priceCommand(pricingUrl: string, credentials: string): string {
  const key = `$(node -p ${quoted(`require(${JSON.stringify(credentials)}).pricing`)})`;
  const body = JSON.stringify({ region_id: "nyc-161", product_type: "standard_ride" });
  return [
    `curl -s ${pricingUrl}/api/v1/pricing/compute`,
    `-H "Authorization: Bearer ${key}"`,
    "-H 'Content-Type: application/json'",
    `-d ${quoted(body)}`,
  ].join(" ");
}

/** Text as one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
