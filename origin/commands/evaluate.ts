/** `origin evaluate`: how well a model trained before an instant would have forecast what came after it. */
import type { Command } from "commander";
import { type EpochMs, plus, WEEK_MS } from "../../domain/units.ts";
import type { ErrorMetrics } from "../evaluation/error-metrics.ts";
import { evaluateWalkForward } from "../evaluation/evaluate-walk-forward.ts";
import type { WalkForwardReport } from "../evaluation/walk-forward.ts";
import { createOutput } from "../output.ts";
import { knownStretch } from "../training/demand-history.ts";
import {
  addLearningOptions,
  instantFrom,
  type LearningFlags,
  learningOptionsFrom,
  loadHistory,
} from "./learning-options.ts";

/** What is judged when nobody says: the last two weeks that are known. */
const JUDGED_MS = 2 * WEEK_MS;

interface EvaluateFlags extends LearningFlags {
  trainUntil?: EpochMs;
  until?: EpochMs;
}

export function addEvaluateCommand(program: Command): void {
  const command = program
    .command("evaluate")
    .description("train on what lies before an instant, and walk forward over what came after it")
    .option(
      "--train-until <time>",
      "where training ends and judging begins; two weeks before the end when left out",
      instantFrom,
    )
    .option("--until <time>", "where judging ends; all that is known when left out", instantFrom);
  addLearningOptions(command).action((_: unknown, own: Command) =>
    runEvaluate(own.optsWithGlobals<EvaluateFlags>()),
  );
}

async function runEvaluate(flags: EvaluateFlags): Promise<void> {
  const output = createOutput(flags.json);
  const history = await loadHistory(flags, output);
  const untilAt = flags.until ?? knownStretch(history).endAt;
  const progress = output.progress("evaluating", 100);
  const report = await evaluateWalkForward(
    history,
    {
      ...learningOptionsFrom(flags),
      fromAt: flags.trainUntil ?? plus(untilAt, -JUDGED_MS),
      untilAt,
      regions: flags.judgeRegions,
    },
    (share) => progress.update(Math.round(100 * share)),
  );
  progress.stop();
  output.result(report, reportText(report));
}

/** The report as a table: a line a stretch and forecaster. */
export function reportText(report: WalkForwardReport): string {
  const stretches = [
    ...report.horizons.map(({ horizon_minutes, ...errors }) => ({
      name: `quarter hour ${horizon_minutes} min ahead`,
      errors,
    })),
    { name: "coming hour", errors: report.hourly },
  ];
  const lines = stretches.flatMap(({ name, errors }) => [
    rowText(name, "model", errors.model),
    rowText("", "last week", errors.seasonal_naive),
    rowText("", "mean of 4 weeks", errors.four_week_mean),
  ]);
  const head = ["", "", "WAPE", "MASE", "sMAPE", "pinball", "in 80 %"];
  return [
    `${report.regions} regions, ${report.from} to ${report.until}`,
    rowOf(head),
    ...lines,
    ratioText(report),
  ].join("\n");
}

/** The figure that a reader compares first. */
function ratioText({ hourly: { model, seasonal_naive } }: WalkForwardReport): string {
  if (model.wape === null || !seasonal_naive.wape) return "";
  const ratio = (model.wape / seasonal_naive.wape).toFixed(3);
  return `Hourly WAPE is ${ratio} of last week's.`;
}

function rowText(name: string, forecaster: string, metrics: ErrorMetrics): string {
  const { wape, mase, smape, pinball, coverage_80 } = metrics;
  const numbers = [wape, mase, smape, pinball, coverage_80];
  return rowOf([name, forecaster, ...numbers.map((value) => value?.toFixed(3) ?? "-")]);
}

function rowOf([name = "", forecaster = "", ...cells]: readonly string[]): string {
  return [name.padEnd(28), forecaster.padEnd(16), ...cells.map((cell) => cell.padStart(8))].join(
    "",
  );
}
