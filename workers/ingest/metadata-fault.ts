import type { FieldError } from "../../contract/problem.ts";

/** Levels of objects and lists in metadata, itself included: what JSON can nest in a body would overflow the stack. */
export const MAX_METADATA_DEPTH = 32;

/** What keeps metadata from being kept as JSON just as it came; null when nothing does. */
export function metadataFault(metadata: unknown): FieldError | null {
  return faultIn(metadata, "metadata", 1);
}

function faultIn(value: unknown, path: string, depth: number): FieldError | null {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return { path, detail: "This number is out of range." };
  }
  if (typeof value !== "object" || value === null) return null;
  if (depth > MAX_METADATA_DEPTH) {
    return { path, detail: `Metadata may be nested ${MAX_METADATA_DEPTH} levels deep.` };
  }
  for (const name in value) {
    const inner = Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`;
    // A copy would take it for the prototype, and so lose it.
    if (name === "__proto__") return { path: inner, detail: "A field cannot have this name." };
    const fault = faultIn((value as Record<string, unknown>)[name], inner, depth + 1);
    if (fault) return fault;
  }
  return null;
}
