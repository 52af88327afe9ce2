/** A JSON Schema as people like to read it: the shape of the JSON, a line a field. */

interface Schema {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  additionalProperties?: Schema | boolean;
}

/** The shape of a schema. Named schemas are spelled out once each on the way down, and named after that. */
export function schemaText(schema: object, named: Record<string, unknown>): string {
  return shapeOf(schema, named, "", new Set());
}

function shapeOf(
  schema: Schema,
  named: Record<string, unknown>,
  indent: string,
  above: ReadonlySet<string>,
): string {
  const inside = `${indent}  `;
  const shape = (inner: Schema, at = inside) => shapeOf(inner, named, at, above);
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
    const target = named[name];
    if (above.has(name) || typeof target !== "object" || target === null) return name;
    return shapeOf(target, named, indent, new Set([...above, name]));
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((choice) => shape(choice, indent)).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.items) return `[${shape(schema.items, indent)}]`;
  if (schema.properties) {
    const fields = Object.entries(schema.properties).map(([name, field]) => {
      const optional = schema.required?.includes(name) ? "" : "?";
      return `${inside}${name}${optional}: ${shape(field)}`;
    });
    return `{\n${fields.join("\n")}\n${indent}}`;
  }
  if (typeof schema.additionalProperties === "object") {
    return `{ [name]: ${shape(schema.additionalProperties)} }`;
  }
  return scalarText(schema);
}

function scalarText({ type, format, pattern, minimum, maximum }: Schema): string {
  const name = Array.isArray(type) ? type.join(" | ") : (type ?? "anything");
  const isBounded = (bound: number | undefined) =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  if (isBounded(minimum) || isBounded(maximum)) {
    const from = isBounded(minimum) ? minimum : "";
    const to = isBounded(maximum) ? maximum : "";
    return `${name} ${from}..${to}`;
  }
  if (format !== undefined) return `${name} (${format})`;
  return pattern === undefined ? name : `${name} ${pattern}`;
}
