/** `rules push`: a file into KV, and into force. */
import type { Command } from "commander";
import { rulesVersionOf } from "../../../contract/rules.ts";
import { checkRules } from "../check/check-rules.ts";
import { countOf, findingsText } from "../check/findings.ts";
import { readRulesFile } from "../check/rules-file.ts";
import { movePointer, putVersion, readPublished } from "../store/published-rules.ts";
import type { CommandPorts } from "./command-ports.ts";
import {
  addAuthorOption,
  addPlaceOptions,
  authorOf,
  kvOf,
  type PlaceFlags,
} from "./place-options.ts";

interface PushFlags extends PlaceFlags {
  dryRun: boolean;
  pointer: boolean;
}

export function addPushCommand(program: Command, { now, outputOf }: CommandPorts): void {
  const command = program
    .command("push")
    .description("put a file into KV under its version, then move the pointer to it")
    .argument("<file>", "rules, YAML or JSON")
    .option("--dry-run", "check against the regions in force, and write nothing", false)
    .option("--no-pointer", "leave in force what is; `rollback <version>` moves the pointer later");
  addAuthorOption(addPlaceOptions(command)).action(
    async (path: string, _: unknown, own: Command) => {
      const flags = own.optsWithGlobals<PushFlags>();
      const output = outputOf(flags);
      const file = await readRulesFile(path);
      const kv = kvOf(flags);
      const published = await readPublished(kv);
      const { current, regions } = published;
      const findings = checkRules(file, regions, now());
      if (findings.length > 0) output.line(findingsText(path, findings));
      if (countOf(findings, "error") > 0) {
        output.result({ pushed: false, findings }, `${path} is not pushed.`);
        process.exitCode = 1;
        return;
      }
      const version = rulesVersionOf(file.json);
      const outcome = { version, before: current, where: kv.where };
      const checked = regions ? `checked against ${regions.length} regions` : "no regions there";
      if (flags.dryRun) {
        const text = `${version} would take the place of ${current ?? "nothing"} (${kv.where}, ${checked}). Nothing was written.`;
        return output.result({ pushed: false, dry_run: true, ...outcome }, text);
      }
      if (version === current) {
        const text = `${version} is in force already (${kv.where}).`;
        return output.result({ pushed: false, ...outcome }, text);
      }
      await putVersion(kv, file.json);
      output.line(`${version} is in place (${kv.where}, ${checked}).`);
      if (!flags.pointer) {
        const text = `In force stays ${current ?? "nothing"}. To price by it: npm run rules -- rollback ${version}`;
        return output.result({ pushed: true, pointer_moved: false, ...outcome }, text);
      }
      const at = new Date(now()).toISOString();
      await movePointer(kv, published, {
        ...{ version, before: current, at, by: authorOf(flags), how: "push" },
      });
      const back = current === null ? "" : `\nBack: npm run rules -- rollback ${current}`;
      const text = `The pointer is on ${version}; before it was ${current ?? "nothing"}.${back}`;
      output.result({ pushed: true, pointer_moved: true, ...outcome }, text);
    },
  );
}
