import { messageOf } from "../../../contract/log.ts";
import type { Problem } from "../../../contract/problem.ts";
import { SchemaMismatch } from "./avro-schema.ts";

/** The problem of a body that could not be read as Avro. Throws what is no fault of the body. */
export function avroProblem(error: unknown): Problem {
  if (error instanceof SchemaMismatch) {
    const detail = `The schema of the body does not fit events. ${error.message}`;
    return { type: "malformed_body", detail };
  }
  if (!(error instanceof RangeError)) throw error;
  return { type: "malformed_body", detail: `The body cannot be read as Avro: ${messageOf(error)}` };
}
