/** Rules as files: YAML or JSON, which is YAML too. */
import { readFile } from "node:fs/promises";
import { parseDocument } from "yaml";

/** What a rules file holds. Throws with line and column where it is no YAML. */
export async function readRulesFile(path: string | URL): Promise<unknown> {
  const document = parseDocument(await readFile(path, "utf8"), { uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw new Error(`${path} is no YAML: ${error.message}`);
  return document.toJS();
}
