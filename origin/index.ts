/** The origin's command line: `npm run origin -- <command>`; `--help` lists the commands. */
import { Command } from "commander";
import { addBridgeCommand } from "./commands/bridge.ts";
import { addEvaluateCommand } from "./commands/evaluate.ts";
import { addExperimentsCommand } from "./commands/experiments.ts";
import { addImportCommand } from "./commands/import.ts";
import { addPublishCommand } from "./commands/publish.ts";
import { addPullCommand } from "./commands/pull.ts";
import { addReplayCommand } from "./commands/replay.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addTrainCommand } from "./commands/train.ts";
import { DEFAULTS } from "./settings.ts";

const program = new Command("origin")
  .description("Keeps the history, trains and evaluates models, and publishes to the edge.")
  .option("--data-dir <folder>", "where the origin keeps its stores", DEFAULTS.dataDir)
  .option("--edge-url <url>", "the pricing Worker", DEFAULTS.edgeUrl)
  .option("--json", "print the result as JSON on standard output, and nothing else there", false)
  .showHelpAfterError("(--help lists the options)");
addImportCommand(program);
addTrainCommand(program);
addEvaluateCommand(program);
addPublishCommand(program);
addPullCommand(program);
addBridgeCommand(program);
addExperimentsCommand(program);
addReplayCommand(program);
addServeCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
