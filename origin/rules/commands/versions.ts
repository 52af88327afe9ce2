/** `rules versions`, `show`, `rollback` and `compile`. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { stringify } from "yaml";
import { rulesKey } from "../../../contract/store-keys.ts";
import type { RulesVersion } from "../../../domain/units.ts";
import { loadRules } from "../../publication/shipped-files.ts";
import {
  faultsText,
  isRefusal,
  movePointer,
  readPublished,
  readVersion,
  versionBefore,
} from "../store/published-rules.ts";
import { textTable } from "../text-table.ts";
import type { CommandPorts, GlobalRulesOptions } from "./command-ports.ts";
import {
  addAuthorOption,
  addPlaceOptions,
  authorOf,
  kvOf,
  type PlaceFlags,
} from "./place-options.ts";

export function addVersionCommands(program: Command, ports: CommandPorts): void {
  addRollbackCommand(program, ports);
  addVersionsCommand(program, ports);
  addShowCommand(program, ports);
  addCompileCommand(program, ports);
}

function addRollbackCommand(program: Command, { now, outputOf }: CommandPorts): void {
  const command = program
    .command("rollback")
    .description("move the pointer back to a version that is in KV")
    .argument("[version]", "rul_ and twelve digits; the one before when left out");
  addAuthorOption(addPlaceOptions(command)).action(
    async (named: string | undefined, _: unknown, own: Command) => {
      const flags = own.optsWithGlobals<PlaceFlags>();
      const output = outputOf(flags);
      const kv = kvOf(flags);
      const refuse = (detail: string) => {
        output.result({ rolled_back: false, detail }, `Not rolled back: ${detail}`);
        process.exitCode = 1;
      };
      const published = await readPublished(kv);
      const { current, regions } = published;
      const version = named ?? versionBefore(published);
      if (version === null) {
        return refuse(
          `what was before ${current ?? "nothing"} is not known here: name a version (\`versions\` lists them)`,
        );
      }
      const json = await readVersion(kv, version);
      if (isRefusal(json)) return refuse(json.detail);
      const faults = faultsText(json, regions);
      if (faults !== null)
        return refuse(`${version} cannot price the regions in force:\n${faults}`);
      const at = new Date(now()).toISOString();
      await movePointer(kv, published, {
        ...{ version, before: current, at, by: authorOf(flags), how: "rollback" },
      });
      const text = `The pointer is on ${version}; before it was ${current ?? "nothing"} (${kv.where}).`;
      output.result({ rolled_back: true, version, before: current, where: kv.where }, text);
    },
  );
}

function addVersionsCommand(program: Command, { outputOf }: CommandPorts): void {
  addPlaceOptions(
    program.command("versions").description("the versions in KV, and when they were in force"),
  ).action(async (_: unknown, own: Command) => {
    const flags = own.optsWithGlobals<PlaceFlags>();
    const kv = kvOf(flags);
    const { current, moves } = await readPublished(kv);
    const prefix = rulesKey("rul_" as RulesVersion);
    const stored = (await kv.list(prefix)).map((key) => key.slice("rules/".length));
    const rank = (version: string) => {
      const place = moves.findIndex((move) => move.version === version);
      return place < 0 ? moves.length : place;
    };
    const versions = stored
      .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
      .map((version) => {
        const move = moves.find((one) => one.version === version);
        return {
          version,
          current: version === current,
          at: move?.at ?? null,
          by: move?.by ?? null,
        };
      });
    const rows = versions.map(({ version, current: isCurrent, at, by }) => {
      return [version, isCurrent ? "in force" : "", at ?? "", by ?? ""];
    });
    const table = textTable(["version", "", "pushed or rolled back at", "by"], rows, 4);
    outputOf(flags).result({ current, versions, moves }, table);
  });
}

function addShowCommand(program: Command, { outputOf }: CommandPorts): void {
  addPlaceOptions(
    program
      .command("show")
      .description("a version in KV, as YAML")
      .argument("[version]", "the one in force when left out", "current"),
  ).action(async (version: string, _: unknown, own: Command) => {
    const flags = own.optsWithGlobals<PlaceFlags>();
    const json = await readVersion(kvOf(flags), version);
    if (isRefusal(json)) {
      outputOf(flags).result(json, json.detail);
      process.exitCode = 1;
      return;
    }
    outputOf(flags).result(json, stringify(json, { lineWidth: 140 }).trimEnd());
  });
}

interface CompileFlags extends GlobalRulesOptions {
  out?: string;
}

function addCompileCommand(program: Command, { outputOf }: CommandPorts): void {
  program
    .command("compile")
    .description("the JSON that a file becomes in KV, to put with bare wrangler")
    .argument("<file>", "rules, YAML or JSON")
    .option("--out <file>", "where it is written; standard output when left out")
    .action(async (path: string, _: unknown, own: Command) => {
      const flags = own.optsWithGlobals<CompileFlags>();
      const { version, value } = await loadRules(path);
      const text = JSON.stringify(value);
      if (flags.out === undefined) {
        // Nothing else may stand beside the document, with --json or without.
        process.stdout.write(`${text}\n`);
        return;
      }
      await writeFile(flags.out, text);
      outputOf(flags).result({ version, out: flags.out }, `${version} is in ${flags.out}.`);
    });
}
