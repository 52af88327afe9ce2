/**
 * A fast way through the door for ordinary events.
 *
 * Workers may not compile code at run time, which is what makes zod fast elsewhere. So the common event is checked by hand: what
 * is accepted here, eventSchema accepts with the same result (a property test holds the two together); everything else is
 * eventSchema's to judge, and only it rejects.
 */
import type { ParsedEvent } from "../../contract/events.ts";
import type { EpochMs, ProductType, RegionId } from "../../domain/units.ts";

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

const DAYS_BEFORE_MONTH = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAYS_IN_MONTH = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_BEFORE_1970 = 719_162;

/** `2026-01-11T10:30:00Z` and `2026-01-11T10:30:00.000Z` from 1970 on; NaN for any other text, valid or not. */
function instantOf(text: unknown): number {
  if (typeof text !== "string") return Number.NaN;
  const hasMs = text.length === 24;
  if (!hasMs && text.length !== 20) return Number.NaN;
  const isPunctuated =
    text.charCodeAt(4) === HYPHEN &&
    text.charCodeAt(7) === HYPHEN &&
    text[10] === "T" &&
    text[13] === ":" &&
    text[16] === ":" &&
    text[text.length - 1] === "Z" &&
    (!hasMs || text[19] === ".");
  if (!isPunctuated) return Number.NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const ms = hasMs ? digits(text, 20, 3) : 0;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const lastDay = month === 2 && isLeap ? 29 : (DAYS_IN_MONTH[month] ?? 0);
  // A comparison with NaN is false, so a part that is not digits fails here too.
  const isInRange =
    year >= 1970 &&
    month >= 1 &&
    day >= 1 &&
    day <= lastDay &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59 &&
    ms <= 999;
  if (!isInRange) return Number.NaN;
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const daysInYear = (DAYS_BEFORE_MONTH[month] ?? 0) + (month > 2 && isLeap ? 1 : 0) + day - 1;
  const days = before * 365 + leapDays - DAYS_BEFORE_1970 + daysInYear;
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + ms;
}

function digits(text: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const unit = text.charCodeAt(i);
    if (!isDigit(unit)) return Number.NaN;
    value = value * 10 + unit - 0x30;
  }
  return value;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}
