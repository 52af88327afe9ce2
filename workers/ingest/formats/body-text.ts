import type { Problem } from "../../../contract/problem.ts";

// Fatal: keys that differ only in bytes that are no text would become one key, and one of their events be lost as a repeat.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** The body as text, or the problem that it is none. */
export function bodyText(body: Uint8Array): string | Problem {
  try {
    return decoder.decode(body);
  } catch (error) {
    if (error instanceof TypeError) return NOT_TEXT;
    throw error;
  }
}

const NOT_TEXT: Problem = { type: "malformed_json", detail: "The body is not UTF-8." };
