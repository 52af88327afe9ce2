/**
 * A fast way through the door for ordinary events.
 *
 * Workers may not compile code at run time, which is what makes zod fast elsewhere. So the common event is checked by hand: what
 * is accepted here, eventSchema accepts with the same result (a property test holds the two together); everything else is
 * eventSchema's to judge, and only it rejects.
 */
import type { ParsedEvent } from "../../contract/events.ts";
import type { EpochMs, ProductType, RegionId } from "../../domain/units.ts";
import { instantAt } from "./instant.ts";

type UserEventType = "search" | "view" | "booking" | "cancellation";
const USER_EVENT_TYPES: ReadonlySet<unknown> = new Set<UserEventType>([
  "search",
  "view",
  "booking",
  "cancellation",
]);
const MAX_QUANTITY = 1_000_000;
const MAX_ID_LENGTH = 128;

/** A user event as eventSchema would parse it; null when it is not ordinary, right or wrong. */
export function ordinaryEvent(input: unknown): ParsedEvent | null {
  if (typeof input !== "object" || input === null) return null;
  let event_type: unknown;
  let region_id: unknown;
  let timestamp: unknown;
  let idempotency_key: unknown;
  let user_id: unknown;
  let product_type: unknown;
  let quantity: unknown = 1;
  let metadata: unknown;
  const fields = input as Record<string, unknown>;
  for (const name in fields) {
    const value = fields[name];
    if (name === "event_type") event_type = value;
    else if (name === "region_id") region_id = value;
    else if (name === "timestamp") timestamp = value;
    else if (name === "idempotency_key") idempotency_key = value;
    else if (name === "user_id") user_id = value;
    else if (name === "product_type") product_type = value;
    else if (name === "quantity") quantity = value;
    else if (name === "metadata") metadata = value;
    else return null;
  }
  if (!USER_EVENT_TYPES.has(event_type)) return null;
  if (!isName(region_id, HYPHEN) || !isId(idempotency_key)) return null;
  if (!isCount(quantity)) return null;
  const at = instantOf(timestamp);
  if (Number.isNaN(at)) return null;
  if (metadata !== undefined && !isPlain(metadata)) return null;
  const event: ParsedEvent = {
    event_type: event_type as UserEventType,
    region_id: region_id as RegionId,
    timestamp: at as EpochMs,
    idempotency_key,
    quantity,
    metadata: (metadata ?? {}) as Record<string, unknown>,
  };
  if ("user_id" in fields) {
    if (!isId(user_id)) return null;
    event.user_id = user_id;
  }
  if ("product_type" in fields) {
    if (!isName(product_type, UNDERSCORE)) return null;
    event.product_type = product_type as ProductType;
  }
  return event;
}

const HYPHEN = 0x2d;
const UNDERSCORE = 0x5f;

/** 1 to 64 lower-case letters, digits and `mark`. */
function isName(value: unknown, mark: number): value is string {
  if (typeof value !== "string" || value.length === 0 || value.length > 64) return false;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    const isLetter = unit >= 0x61 && unit <= 0x7a;
    if (!isLetter && !isDigit(unit) && unit !== mark) return false;
  }
  return true;
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_ID_LENGTH;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_QUANTITY;
}

/** An object that copying cannot change: not an array, and without a field that names its prototype. */
function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !Object.hasOwn(value, "__proto__")
  );
}

/** Room for the longest time that is ordinary. */
const timeBytes = new Uint8Array(24);

/** A time as `instantAt` reads it. */
function instantOf(text: unknown): number {
  if (typeof text !== "string" || text.length > timeBytes.length) return Number.NaN;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return Number.NaN;
    timeBytes[i] = unit;
  }
  return instantAt(timeBytes, 0, text.length);
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}
