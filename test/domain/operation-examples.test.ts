import { expect, test } from "vitest";
import { OPERATION_EXAMPLES } from "../../contract/operation-examples.ts";
import { OPERATION_SCHEMAS, type OperationSchemas } from "../../contract/operation-schemas.ts";
import type { OperationId } from "../../contract/operations.ts";

const ids = Object.keys(OPERATION_EXAMPLES) as OperationId[];

test.each(ids)("the example of %s is what it takes and answers, and no more", (id) => {
  const { body, answer }: OperationSchemas = OPERATION_SCHEMAS[id];
  const example = OPERATION_EXAMPLES[id] ?? {};
  if (example.answer !== undefined)
    expect(answer.schema.parse(example.answer)).toEqual(example.answer);
  if (example.body === undefined) return;
  const schema = body?.["application/json"];
  expect(schema?.safeParse(example.body)).toMatchObject({ success: true });
});
