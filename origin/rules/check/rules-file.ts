/** A rules file with the place of everything in it, so that what is wrong can be pointed at. */
import { readFile } from "node:fs/promises";
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";

/** Both from 1. */
export interface Position {
  line: number;
  column: number;
}

export interface RulesFile {
  path: string;
  /** What it holds. Means nothing while there are syntax errors. */
  json: unknown;
  syntaxErrors: readonly (Position & { detail: string })[];
  /** Where a path such as `rules[2].constraints.max_multiplier` is written, or what comes nearest above it. */
  positionOf(path: string): Position;
}

/** Reads YAML, or JSON, which is YAML too. Rejects when there is no such file. */
export async function readRulesFile(path: string): Promise<RulesFile> {
  return rulesFileFrom(path, await readFile(path, "utf8"));
}

export function rulesFileFrom(path: string, text: string): RulesFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    uniqueKeys: true,
    prettyErrors: false,
    lineCounter: lines,
  });
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const syntaxErrors = document.errors.map(({ pos, message }) => ({
    ...positionAt(pos[0]),
    detail: message,
  }));
  return {
    path,
    json: syntaxErrors.length > 0 ? undefined : document.toJS(),
    syntaxErrors,
    positionOf: (field) => positionAt(offsetOf(document, field)),
  };
}

/** `rules[2].for.groups[0]` as its keys and indices. */
function partsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
    index === undefined ? String(key) : Number(index),
  );
}

/** Of a key where the key begins, of an item where the item does. */
function offsetOf(document: Document, path: string): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of partsOf(path)) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
      if (!pair) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === "number" && node.items[part] !== undefined) {
      node = node.items[part];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null)?.range?.[0];
}
