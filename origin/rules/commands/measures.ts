/** `rules freeze`, `unfreeze`, `cap`, `uncap` and `measures`: what holds whatever the rules say. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { EmergencyDocumentInput } from "../../../contract/emergency.ts";
import { rulesFrom } from "../../../contract/rules.ts";
import {
  type CapInput,
  type EditFault,
  type FreezeInput,
  isEditFault,
  measureName,
  withMeasure,
  withoutMeasure,
} from "../measures/edit-measures.ts";
import { type MeasuresFlags, openMeasures } from "../measures/open-measures.ts";
import { isRefusal, readVersion } from "../store/published-rules.ts";
import { textTable } from "../text-table.ts";
import type { CommandPorts } from "./command-ports.ts";
import { addAuthorOption, addPlaceOptions, authorOf, kvOf } from "./place-options.ts";

interface MeasureFlags extends MeasuresFlags {
  regions?: string[];
  groups?: string[];
  products?: string[];
  reason: string;
  name?: string;
}

interface FreezeFlags extends MeasureFlags {
  hold: "last" | "base";
}

interface CapFlags extends MeasureFlags {
  maxMultiplier?: number;
  maxPrice?: number;
}

type Edit = (document: EmergencyDocumentInput) => EmergencyDocumentInput | EditFault;

export function addMeasureCommands(program: Command, ports: CommandPorts): void {
  const { now } = ports;
  measureCommand(program, "freeze", "hold prices where they are, until `unfreeze`")
    .addOption(
      new Option("--hold <which>", "last: as told last; base: the base price")
        .choices(["last", "base"])
        .default("last"),
    )
    .action(async (_: unknown, own: Command) => {
      const flags = own.optsWithGlobals<FreezeFlags>();
      const common = await commonOf(flags, "freeze", new Date(now()).toISOString());
      const freezes: FreezeInput = { ...common, hold: flags.hold };
      await change(ports, flags, `${common.name} holds.`, (document) =>
        withMeasure(document, { freezes }),
      );
    });
  measureCommand(program, "cap", "let no price be above a limit, until `uncap`")
    .option("--max-multiplier <number>", "times the base price", positiveFrom)
    .option("--max-price <amount>", "in the currency of whatever it caps", positiveFrom)
    .action(async (_: unknown, own: Command) => {
      const flags = own.optsWithGlobals<CapFlags>();
      const { maxMultiplier, maxPrice } = flags;
      if (maxMultiplier === undefined && maxPrice === undefined) {
        own.error("error: a cap needs --max-multiplier or --max-price");
      }
      const common = await commonOf(flags, "cap", new Date(now()).toISOString());
      const caps: CapInput = {
        ...common,
        ...(maxMultiplier === undefined ? {} : { max_multiplier: maxMultiplier }),
        ...(maxPrice === undefined ? {} : { max_price: maxPrice }),
      };
      await change(ports, flags, `${common.name} holds.`, (document) =>
        withMeasure(document, { caps }),
      );
    });
  for (const [command, kind] of [["unfreeze", "freezes"] as const, ["uncap", "caps"] as const]) {
    addStoreOptions(
      program
        .command(command)
        .description(`lift one of the ${kind}`)
        .argument("<name>", "as `measures` lists it"),
    ).action(async (name: string, _: unknown, own: Command) => {
      await change(ports, own.optsWithGlobals<MeasuresFlags>(), `${name} is lifted.`, (document) =>
        withoutMeasure(document, kind, name),
      );
    });
  }
  addStoreOptions(program.command("measures").description("the caps and freezes that hold")).action(
    async (_: unknown, own: Command) => {
      const flags = own.optsWithGlobals<MeasuresFlags>();
      const store = await openMeasures(flags, process.env);
      const read = await store.read();
      const text = `${measuresText(read.document)}\n${read.version ?? "never changed"}, by ${store.where}`;
      ports.outputOf(flags).result({ ...read, where: store.where }, text);
    },
  );
}

function addStoreOptions(command: Command): Command {
  return addPlaceOptions(command).option(
    "--edge-url <url>",
    "by the admin API of this edge, with EDGE_ADMIN_KEY or the local stack's key",
  );
}

function measureCommand(program: Command, name: string, description: string): Command {
  const command = program
    .command(name)
    .description(description)
    .option("--regions <ids>", "with commas between; all when left out", namesFrom)
    .option("--groups <names>", "region groups of the rules in force", namesFrom)
    .option("--products <names>", "with commas between; all when left out", namesFrom)
    .requiredOption("--reason <text>", "for whoever asks why")
    .option("--name <name>", "to lift it by; made from the time when left out");
  return addAuthorOption(addStoreOptions(command));
}

async function commonOf(flags: MeasureFlags, kind: "freeze" | "cap", at: string) {
  const grouped = flags.groups ? await regionsOfGroups(flags.groups, flags) : [];
  const regions = [...new Set([...(flags.regions ?? []), ...grouped])];
  return {
    name: flags.name ?? measureName(kind, at),
    for: {
      ...(regions.length === 0 ? {} : { regions }),
      ...(flags.products ? { products: flags.products } : {}),
    },
    reason: flags.reason,
    by: authorOf(flags),
    at,
  };
}

/** A measure names regions, so that a later change of the rules' groups does not move it. Throws on a group that is not there. */
async function regionsOfGroups(names: readonly string[], flags: MeasuresFlags): Promise<string[]> {
  const json = await readVersion(kvOf(flags), "current");
  if (isRefusal(json)) throw new Error(`--groups: ${json.detail}`);
  const rules = rulesFrom(json);
  const groups = Array.isArray(rules) ? {} : rules.document.groups;
  return names.flatMap((name) => {
    const regions = Object.hasOwn(groups, name) ? (groups[name] ?? []) : [];
    if (regions.length > 0) return [...regions];
    throw new Error(`--groups: the rules in force have no regions in a group "${name}"`);
  });
}

async function change(
  ports: CommandPorts,
  flags: MeasuresFlags,
  done: string,
  edit: Edit,
): Promise<void> {
  const output = ports.outputOf(flags);
  const store = await openMeasures(flags, process.env);
  const read = await store.read();
  const document = edit(read.document);
  if (isEditFault(document)) {
    output.result({ changed: false, ...document }, `Nothing is changed: ${document.detail}`);
    process.exitCode = 1;
    return;
  }
  const version = await store.replace(read, document);
  const text = `${done} ${version}, by ${store.where}\n${measuresText(document)}`;
  output.result({ changed: true, version, document, where: store.where }, text);
}

function measuresText({ caps = [], freezes = [] }: EmergencyDocumentInput): string {
  if (caps.length + freezes.length === 0) return "No cap and no freeze holds.";
  const row = (what: string, measure: CapInput | FreezeInput) => [
    measure.name,
    what,
    measure.for?.regions?.join(",") ?? "all",
    measure.for?.products?.join(",") ?? "all",
    measure.reason,
    measure.by ?? "",
    measure.at ?? "",
  ];
  const capText = ({ max_multiplier, max_price }: CapInput) =>
    [
      ...(max_multiplier === undefined ? [] : [`x${max_multiplier}`]),
      ...(max_price === undefined ? [] : [String(max_price)]),
    ].join(", ");
  return textTable(
    ["name", "what", "regions", "products", "reason", "by", "at"],
    [
      ...caps.map((cap) => row(`cap ${capText(cap)}`, cap)),
      ...freezes.map((freeze) => row(`freeze at ${freeze.hold ?? "last"}`, freeze)),
    ],
    7,
  );
}

function namesFrom(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => /^[a-z0-9_-]{1,64}$/.test(name))) return names;
  throw new InvalidArgumentError("Not names with commas between.");
}

function positiveFrom(text: string): number {
  const number = Number(text);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new InvalidArgumentError("Not a number above 0.");
}
