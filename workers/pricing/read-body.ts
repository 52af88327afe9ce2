/** A request's parameters and JSON body, checked, or the problem they are. */

import type { z } from "zod";
import { mediaTypeOf, readText } from "../../contract/body.ts";
import { fieldErrorsFrom, type Problem } from "../../contract/problem.ts";

/** The body as parsed JSON. */
export function readJson(request: Request, maxBytes: number): Promise<{ json: unknown } | Problem> {
  const contentType = request.headers.get("content-type");
  if (contentType !== "application/json" && mediaTypeOf(contentType) !== "application/json") {
    const detail = "Send the body as application/json.";
    return Promise.resolve({ type: "unsupported_media_type", detail });
  }
  return readText(request, maxBytes).then(parsed);
}

function parsed(text: string | Problem): { json: unknown } | Problem {
  if (typeof text !== "string") return text;
  try {
    return { json: JSON.parse(text) };
  } catch (error) {
    return { type: "malformed_json", detail: error instanceof Error ? error.message : "" };
  }
}

/** What fits the schema, or the problem that lists what does not. `root` names the value in paths. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  root = "",
): { value: z.output<Schema> } | Problem {
  const result = schema.safeParse(value);
  return result.success
    ? { value: result.data }
    : { type: "invalid_request", errors: fieldErrorsFrom(result.error, root) };
}

/** The query of a request, checked. A name that comes twice counts once, the last time. */
export function checkedQuery<Schema extends z.ZodType>(
  schema: Schema,
  request: Request,
): { value: z.output<Schema> } | Problem {
  return checked(schema, Object.fromEntries(new URL(request.url).searchParams));
}
