/** `rules diff`: what changes for whom. */
import type { Command } from "commander";
import { diffRules, type Place, placesOf } from "../diff/diff-rules.ts";
import { diffJson, diffText } from "../diff/diff-text.ts";
import type { CommandPorts } from "./command-ports.ts";
import { loadNamedRules } from "./named-rules.ts";
import { addPlaceOptions, type PlaceFlags } from "./place-options.ts";
import { loadRegionsOf } from "./regions-option.ts";

interface DiffFlags extends PlaceFlags {
  regions?: string;
}

export function addDiffCommand(program: Command, { outputOf }: CommandPorts): void {
  const command = program
    .command("diff")
    .description("what changes for whom, with example prices")
    .argument("<old>", "a file, a version in KV such as rul_1b2cce5959dc, or current")
    .argument("<new>", "the same")
    .option("--regions <file>", "the regions document; places that the rules name when left out");
  addPlaceOptions(command).action(
    async (oldName: string, newName: string, _: unknown, own: Command) => {
      const flags = own.optsWithGlobals<DiffFlags>();
      const before = (await loadNamedRules(oldName, flags)).document;
      const after = (await loadNamedRules(newName, flags)).document;
      const places = flags.regions ? await placesIn(flags.regions) : placesOf(before, after);
      const diff = diffRules(before, after, places);
      outputOf(flags).result(diffJson(diff), diffText(diff));
    },
  );
}

async function placesIn(path: string): Promise<Place[]> {
  const regions = await loadRegionsOf(path);
  return regions.map(({ regionId, productTypes }) => ({
    ...{ name: regionId, regionId, products: productTypes },
  }));
}
