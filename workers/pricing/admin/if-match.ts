/** Optimistic concurrency: a change says which version it is a change of, and is refused when there is another by then. */
import type { Problem } from "../../../contract/problem.ts";

/** A version as an entity tag. */
export function entityTagOf(version: string): string {
  return `"${version}"`;
}

/**
 * The problem of a request whose If-Match names another version than `current`; null when it names that one, or has no such
 * header. `*` is any version, as long as there is one (RFC 9110, 13.1.1).
 */
export function notMatching(request: Request, current: string | null): Problem | null {
  const header = request.headers.get("if-match");
  if (header === null) return null;
  const tags = header.split(",").map((tag) => tag.trim());
  const matches = tags.some((tag) => {
    return current !== null && (tag === "*" || tag === entityTagOf(current));
  });
  if (matches) return null;
  const detail = `In force is ${current ?? "none"}; read it again, and change that.`;
  return { type: "version_changed", detail };
}
