/** `origin replay`: a range of the event log, played into a region or folded here and compared with what was recorded. */
import { type Command, InvalidArgumentError } from "commander";
import { regionIdSchema } from "../../contract/names.ts";
import { type EpochMs, MINUTE_MS, type RegionId, SECOND_MS } from "../../domain/units.ts";
import type { LatenessRules } from "../../domain/watermark.ts";
import { isEdgeFault } from "../edge/ask-edge.ts";
import { createReplayClient } from "../edge/replay-client.ts";
import type { ReceivedRange } from "../event-log/log-views.ts";
import { replayRange } from "../event-log/replay-range.ts";
import { type Verification, verifyRange } from "../event-log/verify-range.ts";
import { type OfflineStore, openOfflineStore } from "../offline/offline-store.ts";
import { createOutput, type Output } from "../output.ts";
import { edgeAddressFrom, type GlobalOptions, originFolder } from "../settings.ts";
import { instantFrom } from "./learning-options.ts";

const PATIENCE_MS = 30 * SECOND_MS;
const PRINTED_DIFFERENCES = 20;

interface ReplayOptions extends GlobalOptions {
  region: RegionId;
  from: EpochMs;
  to: EpochMs;
  into?: RegionId;
  verify: boolean;
  outOfOrdernessMs: number;
  allowedLatenessMs: number;
  idleAfterMs: number;
  transitAllowanceMs: number;
}

export function addReplayCommand(program: Command): void {
  program
    .command("replay")
    .description("play a range of the event log into a fresh region, or verify what was recorded")
    .requiredOption("--region <id>", "whose events", regionFrom)
    .requiredOption("--from <time>", "received at or after, event clock", instantFrom)
    .requiredOption("--to <time>", "received before", instantFrom)
    .option("--into <region>", "the region that hears them; --region when left out", regionFrom)
    .option("--verify", "post nothing: fold here, and compare with the signals on record", false)
    .option("--out-of-orderness-ms <n>", "rules of --verify, as the edge has them", length, 10_000)
    .option("--allowed-lateness-ms <n>", "the same", length, 5 * MINUTE_MS)
    .option("--idle-after-ms <n>", "the same", length, 5 * MINUTE_MS)
    .option("--transit-allowance-ms <n>", "the same", length, MINUTE_MS)
    .addHelpText(
      "after",
      "\nA replay that was interrupted is run again as it was: what the region has already is dropped there.",
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReplayOptions>();
      if (options.from >= options.to) command.error("error: --from lies before --to");
      const failed = await runReplay(options);
      if (failed) process.exitCode = 1;
    });
}

/** Returns true when it did not succeed, or found differences. */
async function runReplay(options: ReplayOptions): Promise<boolean> {
  const output = createOutput(options.json);
  const store = await openOfflineStore(originFolder(options));
  const range = { from: options.from, to: options.to };
  try {
    return options.verify
      ? await verify(store, options, range, output)
      : await replay(store, options, range, output);
  } finally {
    store.close();
  }
}

async function replay(
  store: OfflineStore,
  options: ReplayOptions,
  range: Required<ReceivedRange>,
  output: Output,
): Promise<boolean> {
  const { region: regionId, into = regionId } = options;
  const { signal } = new AbortController();
  const address = await edgeAddressFrom(options, process.env);
  const client = createReplayClient(address, PATIENCE_MS, signal);
  const bar = progressOf(output, "replaying");
  const report = await replayRange(store, client, { regionId, into, range }, bar.update);
  bar.stop();
  if (isEdgeFault(report)) {
    output.line(report.detail);
    const isPassing = report.reason === "unreachable";
    output.result(
      { fault: report },
      isPassing ? "Not replayed to the end; run it again as it was." : "Not replayed.",
    );
    return true;
  }
  const { deliveries, parcels, repeatedParcels, totals, windows } = report;
  if (deliveries === 0) return noDeliveries(regionId, output);
  output.line(
    `${deliveries} deliveries of ${regionId} went into ${into} in ${parcels} parcels, of which it had ${repeatedParcels}.`,
  );
  output.line(`It counts ${JSON.stringify(totals)}.`);
  output.result(
    { region: regionId, into, ...report },
    `${windows.compared} windows compared with what is on record: ${windows.differences.length} numbers differ, ` +
      `${windows.unrecorded.length + windows.unfolded.length} windows are known to one side only.`,
  );
  return false;
}

async function verify(
  store: OfflineStore,
  options: ReplayOptions,
  range: Required<ReceivedRange>,
  output: Output,
): Promise<boolean> {
  const rules: LatenessRules = options;
  const bar = progressOf(output, "folding");
  const found = await verifyRange(store, options.region, range, rules, bar.update);
  bar.stop();
  if (found.deliveries === 0) return noDeliveries(options.region, output);
  for (const line of linesOf(found)) output.line(line);
  const wrong = found.differences.length + found.unrecorded.length + found.unfolded.length;
  output.result(
    { region: options.region, ...found },
    `${found.compared} windows compared from ${found.deliveries} deliveries, ${wrong} differences.`,
  );
  return wrong > 0;
}

/** Says that there was nothing to do, and answers that it did not succeed: a wrong id or range looks like this. */
function noDeliveries(regionId: RegionId, output: Output): true {
  output.result(
    { region: regionId, deliveries: 0 },
    `The offline store has no events of ${regionId} in that range; \`pull\` imports what is new.`,
  );
  return true;
}

function linesOf({ differences, unrecorded, unfolded }: Verification): string[] {
  const lines = [
    ...differences.map(({ width_s, start_at, field, recorded, folded }) => {
      return `${start_at} ${width_s} s: ${field} was recorded as ${recorded}, and is ${folded}`;
    }),
    ...unrecorded.map((window) => `${window}: not on record`),
    ...unfolded.map((window) => `${window}: on record, and no events for it`),
  ];
  const more = lines.length - PRINTED_DIFFERENCES;
  return more > 0 ? [...lines.slice(0, PRINTED_DIFFERENCES), `and ${more} more`] : lines;
}

/** A progress that learns its total with its first update. */
function progressOf(output: Output, label: string) {
  let progress: ReturnType<Output["progress"]> | null = null;
  return {
    update(done: number, total: number) {
      progress ??= output.progress(label, total);
      progress.update(done);
    },
    stop: () => progress?.stop(),
  };
}

function regionFrom(text: string): RegionId {
  const parsed = regionIdSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError("Not a region id such as nyc-161.");
}

function length(text: string): number {
  const lengthMs = Number(text);
  if (Number.isSafeInteger(lengthMs) && lengthMs >= 0) return lengthMs;
  throw new InvalidArgumentError("Not whole milliseconds.");
}
