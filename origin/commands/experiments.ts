/** `origin experiments analyse`: what an experiment did, from exposures and from what their users did. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { experimentIdSchema } from "../../contract/experiments.ts";
import { DAY_MS, type EpochMs, type ExperimentId, SECOND_MS } from "../../domain/units.ts";
import { createEdgeClient } from "../edge/edge-client.ts";
import { createExperimentsClient } from "../edge/experiments-client.ts";
import { analyseExperiment } from "../experiments/analyse-experiment.ts";
import { CORRECTIONS, METRICS, type Metric } from "../experiments/report.ts";
import { reportJson, reportText } from "../experiments/report-text.ts";
import { DEFAULT_TUNED_FOR } from "../experiments/sequential.ts";
import { openOfflineStore } from "../offline/offline-store.ts";
import { createOutput } from "../output.ts";
import { edgeAddressFrom, type GlobalOptions, originFolder } from "../settings.ts";
import { instantFrom } from "./learning-options.ts";

const PATIENCE_MS = 10 * SECOND_MS;

interface AnalyseFlags extends GlobalOptions {
  experiment: ExperimentId;
  metric?: Metric;
  alpha: number;
  tunedFor: number;
  beforeDays: number;
  until?: EpochMs;
  everywhere: boolean;
  correction: keyof typeof CORRECTIONS;
}

export function addExperimentsCommand(program: Command): void {
  const experiments = program.command("experiments").description("what experiments did");
  experiments
    .command("analyse")
    .description("lift, intervals and p-values of an experiment, from exposures and bronze")
    .requiredOption("--experiment <id>", "such as exp_steeper", experimentFrom)
    .addOption(
      new Option("--metric <name>", "one of them; all when left out").choices([...METRICS]),
    )
    .option("--alpha <share>", "of false alarms that are put up with", shareFrom, 0.05)
    .option(
      "--tuned-for <users>",
      "where intervals at any look are tightest; chosen before the experiment",
      countFrom,
      DEFAULT_TUNED_FOR,
    )
    .option("--before-days <days>", "before exposure that CUPED looks at", countFrom, 14)
    .option("--until <time>", "outcomes before it, event clock; all when left out", instantFrom)
    .option("--everywhere", "bookings in all regions and of all products count", false)
    .addOption(
      new Option("--correction <name>", "for several variants: Holm, or Benjamini and Hochberg")
        .choices(Object.keys(CORRECTIONS))
        .default("holm"),
    )
    .addHelpText("after", "\nEvents come from the offline store: `pull` imports what is new.")
    .action(async (_: unknown, command: Command) => {
      const failed = await runAnalyse(command.optsWithGlobals<AnalyseFlags>());
      if (failed) process.exitCode = 1;
    });
}

/** Returns true when there is no analysis. */
async function runAnalyse(flags: AnalyseFlags): Promise<boolean> {
  const output = createOutput(flags.json);
  const address = await edgeAddressFrom(flags, process.env);
  const { signal } = new AbortController();
  const store = await openOfflineStore(originFolder(flags));
  try {
    const { experiment: experimentId, metric, alpha, tunedFor, until, everywhere } = flags;
    const sources = {
      edge: createEdgeClient(address, PATIENCE_MS, signal),
      experiments: createExperimentsClient(address, PATIENCE_MS, signal),
      store,
    };
    const analysis = await analyseExperiment(sources, {
      ...{ experimentId, alpha, tunedFor, until, everywhere, correction: flags.correction },
      metrics: metric ? [metric] : METRICS,
      beforeMs: flags.beforeDays * DAY_MS,
    });
    if ("reason" in analysis) {
      output.result({ fault: analysis }, `Not analysed: ${analysis.detail}`);
      return true;
    }
    output.result(reportJson(analysis), reportText(analysis, alpha));
    return false;
  } finally {
    store.close();
  }
}

function experimentFrom(text: string): ExperimentId {
  const parsed = experimentIdSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError("Not an experiment's id such as exp_steeper.");
}

function shareFrom(text: string): number {
  const share = Number(text);
  if (share > 0 && share < 1) return share;
  throw new InvalidArgumentError("Not a share between 0 and 1.");
}

function countFrom(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new InvalidArgumentError("Not a whole number above 0.");
}
