/** `rules validate`: everything that is wrong with a file, and what is merely suspicious. */
import type { Command } from "commander";
import { checkRules } from "../check/check-rules.ts";
import { countOf, findingsText } from "../check/findings.ts";
import { readRulesFile } from "../check/rules-file.ts";
import type { CommandPorts, GlobalRulesOptions } from "./command-ports.ts";
import { loadRegionsOf } from "./regions-option.ts";

interface ValidateFlags extends GlobalRulesOptions {
  regions?: string;
  strict: boolean;
}

export function addValidateCommand(program: Command, { now, outputOf }: CommandPorts): void {
  program
    .command("validate")
    .description("name every fault, conflict and layer without effect, with its line")
    .argument("<file>", "rules, YAML or JSON")
    .option("--regions <file>", "the regions document that they are for")
    .option("--strict", "warnings fail too", false)
    .action(async (path: string, _: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ValidateFlags>();
      const file = await readRulesFile(path);
      const regions = flags.regions === undefined ? null : await loadRegionsOf(flags.regions);
      const findings = checkRules(file, regions, now());
      const errors = countOf(findings, "error");
      const warnings = countOf(findings, "warning");
      const sum = `${path}: ${counted(errors, "error")}, ${counted(warnings, "warning")}`;
      const text = findings.length === 0 ? sum : `${findingsText(path, findings)}\n${sum}`;
      outputOf(flags).result({ file: path, errors, warnings, findings }, text);
      if (errors > 0 || (flags.strict && warnings > 0)) process.exitCode = 1;
    });
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
