/** `origin train`: a model and its card, from the offline store. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import type { EpochMs } from "../../domain/units.ts";
import { createOutput } from "../output.ts";
import { originFolder } from "../settings.ts";
import type { ModelArtefact } from "../training/model-artefact.ts";
import { trainModel } from "../training/train-model.ts";
import { reportText } from "./evaluate.ts";
import {
  addLearningOptions,
  instantFrom,
  type LearningFlags,
  learningOptionsFrom,
  loadHistory,
} from "./learning-options.ts";

interface TrainFlags extends LearningFlags {
  until?: EpochMs;
  output?: string;
}

export function addTrainCommand(program: Command): void {
  const command = program
    .command("train")
    .description("train a model on the bookings of the offline store")
    .option(
      "--until <time>",
      "learn what ended by then; all that is known when left out",
      instantFrom,
    )
    .option(
      "--output <folder>",
      "where model.onnx and card.json go; a folder of its own when left out",
    );
  addLearningOptions(command).action((_: unknown, own: Command) =>
    runTrain(own.optsWithGlobals<TrainFlags>()),
  );
}

async function runTrain(flags: TrainFlags): Promise<void> {
  const output = createOutput(flags.json);
  const history = await loadHistory(flags, output);
  const progress = output.progress("training", 100);
  const artefact = await trainModel(
    history,
    {
      ...learningOptionsFrom(flags),
      createdAt: new Date(),
      evaluatedRegions: flags.judgeRegions,
      ...(flags.until === undefined ? {} : { untilAt: flags.until }),
    },
    (share) => progress.update(Math.round(100 * share)),
  );
  progress.stop();
  const { card } = artefact;
  const folder = flags.output ?? join(originFolder(flags), "models", card.version);
  await writeArtefact(folder, artefact);
  const { golden: _, ...told } = card;
  output.result(
    { folder, card: told },
    `${reportText(card.evaluation)}\n${card.version}: ${card.training.rounds} trees, in ${folder}`,
  );
}

async function writeArtefact(folder: string, { onnx, card }: ModelArtefact): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "model.onnx"), onnx);
  await writeFile(join(folder, "card.json"), `${JSON.stringify(card, null, 1)}\n`);
}
