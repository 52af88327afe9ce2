/**
 * Schema resolution, as far as one closed schema needs it: from the schema an event was written with to a reader of it.
 *
 * A writer's record may have our fields in any order and leave some out; a field may be nullable, or of a type that Avro
 * promotes to ours. A field we do not have is refused, as in JSON. Avro 1.12, "Schema Resolution".
 */
import { instantText } from "../../../contract/names.ts";
import { UnreadableEvent } from "../event-candidates.ts";
import type { AvroInput } from "./avro-input.ts";

/** Reads one event: a candidate, or UnreadableEvent for one whose values JSON has no place for. */
export type EventReader = (input: AvroInput) => unknown;
type Read = (input: AvroInput) => unknown;
type Primitive = "null" | "boolean" | "int" | "long" | "float" | "double" | "string" | "bytes";

const PRIMITIVES: Record<Primitive, Read> = {
  null: () => null,
  boolean: (input) => input.boolean(),
  int: (input) => input.long(),
  long: (input) => input.long(),
  float: (input) => input.float(),
  double: (input) => input.double(),
  string: (input) => input.string(),
  bytes: (input) => input.string(),
};

const TEXT: readonly Primitive[] = ["string", "bytes"];
const INTEGER: readonly Primitive[] = ["int", "long"];
const SCALAR: readonly Primitive[] = ["boolean", "int", "long", "float", "double", "string"];

/** How a schema of ours reads each of its fields from the type it was written with. */
const FIELDS: Record<string, (written: unknown, path: string) => Read> = {
  event_type: (written, path) => readerOf(written, TEXT, path),
  region_id: (written, path) => readerOf(written, TEXT, path),
  timestamp: instantReader,
  idempotency_key: (written, path) => readerOf(written, TEXT, path),
  user_id: (written, path) => readerOf(written, TEXT, path),
  product_type: (written, path) => readerOf(written, TEXT, path),
  quantity: (written, path) => readerOf(written, INTEGER, path),
  metadata: metadataReader,
};

/** The reader for events of a writer's schema. Throws SchemaMismatch, which says what of it does not fit. */
export function eventReaderFor(schema: unknown): EventReader {
  if (!isObject(schema) || schema.type !== "record" || nameOf(schema) !== "Event") {
    throw new SchemaMismatch("It is not a record named Event.");
  }
  const { fields } = schema;
  if (!Array.isArray(fields)) throw new SchemaMismatch("Its fields are not a list.");
  const readers = new Map<string, Read>();
  for (const field of fields) {
    const name = isObject(field) ? field.name : undefined;
    if (typeof name !== "string" || !Object.hasOwn(FIELDS, name)) {
      throw new SchemaMismatch(`Events have no field ${shown(name)}.`);
    }
    if (readers.has(name)) throw new SchemaMismatch(`The field ${name} is there twice.`);
    const reader = FIELDS[name]?.(field.type, name);
    if (reader) readers.set(name, reader);
  }
  return (input) => {
    input.fault = null;
    const event: Record<string, unknown> = {};
    for (const [name, read] of readers) {
      const value = read(input);
      if (value !== null) event[name] = value;
    }
    return input.fault === null ? event : new UnreadableEvent(input.fault);
  };
}

/** A writer's schema that events cannot be read with. */
export class SchemaMismatch extends Error {}

/** A reader of a primitive of one of the `allowed` types, or of a union of them and null. */
function readerOf(written: unknown, allowed: readonly Primitive[], path: string): Read {
  const readerOfBranch = (branch: unknown, types: readonly Primitive[]): Read => {
    const type = typeOf(branch);
    const primitive = types.find((name) => name === type);
    if (primitive) return PRIMITIVES[primitive];
    throw new SchemaMismatch(`The field ${path} cannot be read from ${shown(type)}.`);
  };
  if (!Array.isArray(written)) return readerOfBranch(written, allowed);
  return unionReader(written.map((branch) => readerOfBranch(branch, ["null", ...allowed])));
}

function unionReader(branches: readonly Read[]): Read {
  return (input) => {
    const index = input.long();
    const read = branches[index];
    if (!read) throw new RangeError(`a union of ${branches.length} has no branch ${index}`);
    return read(input);
  };
}

/** Milliseconds or microseconds since 1970, to what JSON has. */
function instantReader(written: unknown, path: string): Read {
  const read = readerOf(written, ["long"], path);
  const perMs = unitsPerMs(Array.isArray(written) ? written.find(isObject) : written);
  return (input) => {
    const value = read(input);
    if (typeof value !== "number") return null;
    const at = Math.floor(value / perMs);
    if (at >= MIN_AT && at <= MAX_AT) return instantText(at);
    input.fault ??= "The time lies outside of the years 0001 to 9999.";
    return null;
  };
}

function unitsPerMs(written: unknown): number {
  const logicalType = isObject(written) ? written.logicalType : undefined;
  if (logicalType === undefined || logicalType === "timestamp-millis") return 1;
  if (logicalType === "timestamp-micros") return 1_000;
  throw new SchemaMismatch("The timestamp is neither timestamp-millis nor timestamp-micros.");
}

const MIN_AT = Date.parse("0001-01-01T00:00:00Z");
const MAX_AT = Date.parse("9999-12-31T23:59:59.999Z");

/** A map of scalars, or a union of such a map and null. */
function metadataReader(written: unknown, path: string): Read {
  if (!Array.isArray(written)) return mapReader(written, path);
  return unionReader(
    written.map((branch) => (branch === "null" ? PRIMITIVES.null : mapReader(branch, path))),
  );
}

/** Blocks of entries, each with their number before it, until one of zero. */
function mapReader(written: unknown, path: string): Read {
  if (!isObject(written) || written.type !== "map") {
    throw new SchemaMismatch(`The field ${path} cannot be read from ${shown(typeOf(written))}.`);
  }
  const readValue = readerOf(written.values, ["null", ...SCALAR], `${path} value`);
  return (input) => {
    const entries: [name: string, value: unknown][] = [];
    for (let left = input.long(); left !== 0; left = input.long()) {
      // A negative number has the block's length in bytes behind it, for those who skip it.
      if (left < 0) input.length();
      for (let n = Math.abs(left); n > 0; n--) entries.push([input.string(), readValue(input)]);
    }
    return Object.fromEntries(entries);
  };
}

function typeOf(written: unknown): unknown {
  return isObject(written) ? written.type : written;
}

/** The name without its namespace. */
function nameOf({ name }: Record<string, unknown>): unknown {
  return typeof name === "string" ? name.slice(name.lastIndexOf(".") + 1) : name;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(type: unknown): string {
  return typeof type === "string" ? JSON.stringify(type.slice(0, 50)) : "what stands there";
}
