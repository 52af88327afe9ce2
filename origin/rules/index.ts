/** The pricing team's command line: `npm run rules -- <command>`; `--help` lists the commands. */
import { Command } from "commander";
import { epochMs } from "../../domain/units.ts";
import { DEFAULTS } from "../settings.ts";
import { commandPortsFrom } from "./commands/command-ports.ts";
import { addDiffCommand } from "./commands/diff.ts";
import { addMeasureCommands } from "./commands/measures.ts";
import { addPushCommand } from "./commands/push.ts";
import { addSimulateCommand } from "./commands/simulate.ts";
import { addValidateCommand } from "./commands/validate.ts";
import { addVersionCommands } from "./commands/versions.ts";

const program = new Command("rules")
  .description("Checks, compares, simulates and pushes pricing rules, and sets emergency measures.")
  .option("--data-dir <folder>", "of the local stack and of the origin's stores", DEFAULTS.dataDir)
  .option("--json", "print the result as JSON on standard output, and nothing else there", false)
  .showHelpAfterError("(--help lists the options)");
const ports = commandPortsFrom(() => epochMs(Date.now()));
addValidateCommand(program, ports);
addDiffCommand(program, ports);
addSimulateCommand(program, ports);
addPushCommand(program, ports);
addVersionCommands(program, ports);
addMeasureCommands(program, ports);

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
