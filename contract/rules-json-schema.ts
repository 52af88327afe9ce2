/** The JSON Schema of rules files, by which editors complete and check them. */
import * as z from "zod";
import { rulesDocumentSchema } from "./rules.ts";

/** Draft 2020-12. */
export function rulesJsonSchema(): object {
  const schema = z.toJSONSchema(rulesDocumentSchema, { io: "input", reused: "ref" });
  return { title: "Pricing rules", ...schema };
}
