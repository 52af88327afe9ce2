/** `origin import`: CSV, JSON lines and Parquet into the offline store. */
import { type Command, Option } from "commander";
import { type ImportFault, type ImportReport, importRows } from "../offline/import-rows.ts";
import {
  ENTITIES,
  type Entity,
  type OfflineStore,
  openOfflineStore,
} from "../offline/offline-store.ts";
import { importShippedTables } from "../offline/shipped.ts";
import { COLUMNS, FORMATS, type Format, formatOf, sourceFrom } from "../offline/source.ts";
import { createOutput } from "../output.ts";
import { type GlobalOptions, originFolder } from "../settings.ts";

interface ImportOptions extends GlobalOptions {
  entity: Entity;
  format?: Format;
  shipped: boolean;
}

export function addImportCommand(program: Command): void {
  program
    .command("import")
    .description("take files into the offline store; a file that was taken before is left alone")
    .argument("[files...]", "CSV with a header, JSON lines or Parquet")
    .addOption(
      new Option("--entity <name>", "what the rows are").choices(ENTITIES).default("bookings"),
    )
    .addOption(new Option("--format <name>", "where file names do not tell").choices(FORMATS))
    .option("--shipped", "the New York tables that come with the project", false)
    .addHelpText("after", helpText())
    .action(async (files: string[], _: unknown, command: Command) => {
      const failed = await runImport(files, command.optsWithGlobals<ImportOptions>());
      if (failed) process.exitCode = 1;
    });
}

/** Returns true when a file could not be imported; the others were. */
async function runImport(files: string[], options: ImportOptions): Promise<boolean> {
  const output = createOutput(options.json);
  const store = await openOfflineStore(originFolder(options));
  try {
    const results: (ImportReport | ImportFault)[] = [];
    const note = (result: ImportReport | ImportFault) => {
      results.push(result);
      output.line(textOf(result));
    };
    if (options.shipped) (await importShippedTables(store, new Date())).forEach(note);
    for (const file of files) note(await importFile(store, file, options));
    const faults = results.filter((result) => "reason" in result).length;
    output.result(
      { imports: results },
      `${results.length - faults} of ${results.length} imported.`,
    );
    return faults > 0;
  } finally {
    store.close();
  }
}

function importFile(
  store: OfflineStore,
  file: string,
  { entity, format }: ImportOptions,
): Promise<ImportReport | ImportFault> | ImportFault {
  const known = format ?? formatOf(file);
  if (known === null) {
    return { reason: "unreadable", file, detail: "The name tells no format: give --format." };
  }
  return importRows(store, sourceFrom(entity, file, known), new Date());
}

function textOf(result: ImportReport | ImportFault): string {
  if ("reason" in result) return `${result.file}: not imported. ${result.detail}`;
  const { file, entity, rows, known } = result;
  return `${file}: ${rows} rows of ${entity}${known ? ", imported before" : ""}`;
}

function helpText(): string {
  const lines = ENTITIES.map((entity) => `  ${entity.padEnd(10)}${COLUMNS[entity].join(", ")}`);
  return `\nColumns:\n${lines.join("\n")}\nTimes are UTC where they name no offset.`;
}
