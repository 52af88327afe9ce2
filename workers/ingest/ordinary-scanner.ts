/**
 * Reads ordinary events straight from the bytes of a JSON body, without making objects or texts.
 *
 * Ordinary is a search, view, booking or cancellation whose fields are the documented ones, each once, in any order, in ASCII
 * without escapes, of a region that there is. What this reads, JSON.parse and eventSchema read with the same result (a property
 * test holds them together). Of everything else it says only that it is not ordinary, right or wrong.
 */
import type { EventType } from "../../domain/event.ts";
import type { EpochMs, ProductType, RegionId } from "../../domain/units.ts";
import { ByteNames } from "./byte-names.ts";
import { instantAt } from "./instant.ts";
import { afterSpace, asciiBytes, Byte, endOfPlainText, isWordAt } from "./json-bytes.ts";
import { PlainMetadata } from "./plain-metadata.ts";

/** The fields of an event in the order of their numbers, which are their bits in `seen`; the first four must be there. */
const NAMES = [
  "event_type",
  "region_id",
  "timestamp",
  "idempotency_key",
  "user_id",
  "product_type",
  "quantity",
  "metadata",
];
const Field = { type: 0, region: 1, at: 2, key: 3, user: 4, product: 5, quantity: 6, metadata: 7 };
const REQUIRED = 0b1111;
/** A name with the quote that ends it. */
const QUOTED = NAMES.map((name) => asciiBytes(`${name}"`));
/** Each name begins with another letter. */
const FIELD_OF_LETTER = Int8Array.from({ length: 128 }, (_, letter) =>
  NAMES.findIndex((name) => name.charCodeAt(0) === letter),
);

const USER_EVENT_TYPES = new ByteNames(["search", "view", "booking", "cancellation"]);
const MAX_QUANTITY = 1_000_000;
const MAX_ID_LENGTH = 128;
const MAX_NAME_LENGTH = 64;
/** Product types remembered as texts; there are a few of them in a deployment. */
const MAX_PRODUCT_TYPES = 1_000;
const NOT_ORDINARY = -1;

/** The event it read last; the next one is read over it. */
export class OrdinaryScanner {
  eventType: EventType = "search";
  regionId = "" as RegionId;
  timestamp = 0 as EpochMs;
  /** Where in the body the idempotency key and the user id lie; the id has no length where there is none. */
  keyFrom = 0;
  keyTo = 0;
  userFrom = 0;
  userTo = 0;
  productType: ProductType | null = null;
  quantity = 1;
  readonly metadata = new PlainMetadata();
  private readonly regionIds: ByteNames;
  private readonly productTypes = new ByteNames([], MAX_PRODUCT_TYPES);

  constructor(regions: Iterable<RegionId>) {
    this.regionIds = new ByteNames(regions);
  }

  /** Reads the event that begins at `from` in `body`; returns where it ends, or -1 when it is not ordinary. */
  read(body: Uint8Array, from: number): number {
    if (body[from] !== Byte.openBrace) return NOT_ORDINARY;
    this.userFrom = 0;
    this.userTo = 0;
    this.productType = null;
    this.quantity = 1;
    this.metadata.clear();
    let seen = 0;
    let at = afterSpace(body, from + 1);
    for (;;) {
      if (body[at] !== Byte.quote) return NOT_ORDINARY;
      const field = FIELD_OF_LETTER[body[at + 1] ?? 0] ?? -1;
      const quoted = QUOTED[field];
      if (quoted === undefined || !isWordAt(quoted, body, at + 1)) return NOT_ORDINARY;
      if ((seen & (1 << field)) !== 0) return NOT_ORDINARY;
      seen |= 1 << field;
      at = afterSpace(body, at + 1 + quoted.length);
      if (body[at] !== Byte.colon) return NOT_ORDINARY;
      at = this.readValue(field, body, afterSpace(body, at + 1));
      if (at === NOT_ORDINARY) return NOT_ORDINARY;
      at = afterSpace(body, at);
      if (body[at] !== Byte.comma) break;
      at = afterSpace(body, at + 1);
    }
    const isWhole = body[at] === Byte.closeBrace && (seen & REQUIRED) === REQUIRED;
    return isWhole ? at + 1 : NOT_ORDINARY;
  }

  /** Reads the value of a field; returns where it ends, or -1. */
  private readValue(field: number, body: Uint8Array, at: number): number {
    if (field === Field.metadata) return this.metadata.read(body, at);
    if (field === Field.quantity) return this.readQuantity(body, at);
    if (body[at] !== Byte.quote) return NOT_ORDINARY;
    const from = at + 1;
    const to = endOfPlainText(body, from);
    if (to === -1 || !this.keep(field, body, from, to)) return NOT_ORDINARY;
    return to + 1;
  }

  /** Takes in the text of a field; false when it is not ordinary. */
  private keep(field: number, body: Uint8Array, from: number, to: number): boolean {
    switch (field) {
      case Field.type: {
        const type = USER_EVENT_TYPES.find(body, from, to);
        if (type !== undefined) this.eventType = type as EventType;
        return type !== undefined;
      }
      case Field.region: {
        const regionId = this.regionIds.find(body, from, to);
        if (regionId !== undefined) this.regionId = regionId as RegionId;
        return regionId !== undefined;
      }
      case Field.at:
        this.timestamp = instantAt(body, from, to) as EpochMs;
        return !Number.isNaN(this.timestamp);
      case Field.key:
        this.keyFrom = from;
        this.keyTo = to;
        return isIdLength(to - from);
      case Field.user:
        this.userFrom = from;
        this.userTo = to;
        return isIdLength(to - from);
      case Field.product:
        return this.keepProductType(body, from, to);
      default:
        return false;
    }
  }

  private keepProductType(body: Uint8Array, from: number, to: number): boolean {
    const known = this.productTypes.find(body, from, to);
    if (known === undefined && !isProductType(body, from, to)) return false;
    this.productType = (known ?? this.productTypes.intern(body, from, to)) as ProductType;
    return true;
  }

  /** An integer from 1 to a million as JSON writes it; returns where it ends, or -1. */
  private readQuantity(body: Uint8Array, from: number): number {
    let value = 0;
    let at = from;
    for (; value <= MAX_QUANTITY; at++) {
      const digit = (body[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      // No number of JSON begins with a zero and goes on.
      if (value === 0) return NOT_ORDINARY;
    }
    this.quantity = value;
    return value >= 1 && value <= MAX_QUANTITY ? at : NOT_ORDINARY;
  }
}

function isIdLength(length: number): boolean {
  return length >= 1 && length <= MAX_ID_LENGTH;
}

/** 1 to 64 lower-case letters, digits and underscores. */
function isProductType(body: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = body[i] ?? 0;
    const isLetter = byte >= 0x61 && byte <= 0x7a;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (!isLetter && !isDigit && byte !== Byte.underscore) return false;
  }
  return to > from && to - from <= MAX_NAME_LENGTH;
}
