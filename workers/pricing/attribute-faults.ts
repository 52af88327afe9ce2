/** What a request says of itself, held against what the rules ask. */
import type { FieldError } from "../../contract/problem.ts";
import type { Attributes } from "../../domain/price-inputs.ts";
import { own, type RulesDocument } from "../../domain/rules.ts";

/** Attributes that the rules do not know, or that lie outside of their range. */
export function attributeFaults(
  { attributes: ranges }: Pick<RulesDocument, "attributes">,
  attributes: Attributes,
): FieldError[] {
  return Object.entries(attributes).flatMap(([name, value]): FieldError[] => {
    const range = own(ranges, name);
    const path = `attributes.${name}`;
    if (!range) return [{ path, detail: "The rules in force ask for no such attribute." }];
    if (value >= range.min && value <= range.max) return [];
    return [{ path, detail: `Must be from ${range.min} to ${range.max}.` }];
  });
}
