/**
 * The short way of a JSON body: events are packed as they are read from its bytes.
 *
 * An event that is not ordinary is cut out and goes the long way alone, through JSON.parse and eventSchema. A body that is not
 * an event, an array of events or `{"events": [...]}` of at most 500 is left to the long way as a whole, which says what is
 * wrong with it.
 */
import type { BatchPacker } from "../../contract/event-batch.ts";
import { type EventRejection, MAX_EVENTS_PER_REQUEST } from "../../contract/events.ts";
import { occurredAtFrom } from "../../domain/device-clock.ts";
import type { DemandEvent } from "../../domain/event.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";
import { type Acceptance, type AcceptanceRules, acceptOne } from "./accept-events.ts";
import { parsedJson } from "./formats/json.ts";
import { afterSpace, asciiBytes, Byte, endOfObject, isWordAt } from "./json-bytes.ts";
import { OrdinaryScanner } from "./ordinary-scanner.ts";

/** Reads one body after the other; it keeps its tables between them. */
export class OrdinaryBodies {
  private regions: ReadonlySet<RegionId> = new Set();
  private scanner = new OrdinaryScanner(this.regions);
  /** The event at hand, the same object for all. */
  private readonly event: Omit<DemandEvent, "metadata"> = {
    eventType: "search",
    regionId: "" as RegionId,
    occurredAt: 0 as EpochMs,
    keyHigh: 0,
    keyLow: 0,
    userHigh: 0,
    userLow: 0,
    productType: null,
    quantity: 1,
  };

  /**
   * Leaves the events of a body that pass in `packer`. Null for a body that must go the long way: what was packed and taken from limits
   * until then is to be undone.
   */
  accept(body: Uint8Array, rules: AcceptanceRules, packer: BatchPacker): Acceptance | null {
    if (rules.regions !== this.regions) {
      this.regions = rules.regions;
      this.scanner = new OrdinaryScanner(rules.regions);
    }
    const acceptance: Acceptance = { accepted: 0, clamped: 0, rejected: [], isSingle: false };
    const list = startOfList(body);
    if (!list) return this.acceptSingle(body, rules, packer, acceptance);
    let { at } = list;
    for (let index = 0; index < MAX_EVENTS_PER_REQUEST; index++) {
      at = this.acceptAt(afterSpace(body, at), index, body, rules, packer, acceptance);
      if (at === NOT_READ) return null;
      at = afterSpace(body, at);
      if (body[at] !== Byte.comma) break;
      at++;
    }
    return isEnd(body, at, list.isWrapped) ? acceptance : null;
  }

  /** Takes in the element of the list that begins at `from`; returns where it ends, or -1 when it is not an object. */
  private acceptAt(
    from: number,
    index: number,
    body: Uint8Array,
    rules: AcceptanceRules,
    packer: BatchPacker,
    acceptance: Acceptance,
  ): number {
    let rejection: EventRejection | null;
    let end = this.read(body, from, rules);
    if (end !== NOT_READ) {
      rejection = this.pack(rules, packer, acceptance);
    } else {
      end = endOfObject(body, from);
      if (end === -1) return NOT_READ;
      const parsed = parsedJson(body.subarray(from, end));
      if ("type" in parsed) return NOT_READ;
      rejection = acceptOne(parsed.json, rules, packer, acceptance);
    }
    if (rejection) acceptance.rejected.push({ index, ...rejection });
    return end;
  }

  /** A body that is one bare event, if it is ordinary. */
  private acceptSingle(
    body: Uint8Array,
    rules: AcceptanceRules,
    packer: BatchPacker,
    acceptance: Acceptance,
  ): Acceptance | null {
    const end = this.read(body, afterSpace(body, 0), rules);
    if (end === NOT_READ || afterSpace(body, end) !== body.length) return null;
    const rejection = this.pack(rules, packer, acceptance);
    if (rejection) acceptance.rejected.push({ index: 0, ...rejection });
    acceptance.isSingle = true;
    return acceptance;
  }

  /** Reads the event at `from` if it is ordinary and its time believable; returns where it ends, or -1. */
  private read(body: Uint8Array, from: number, rules: AcceptanceRules): number {
    const { scanner, event } = this;
    const end = scanner.read(body, from);
    if (end === -1) return NOT_READ;
    const occurredAt = occurredAtFrom(scanner.timestamp, rules.now, rules.clockClampMs);
    if (occurredAt === null) return NOT_READ;
    const { eventType, regionId, productType, quantity, userFrom, userTo } = scanner;
    const key = rules.hashes.ofKeyAt(body, scanner.keyFrom, scanner.keyTo);
    event.keyHigh = key.high;
    event.keyLow = key.low;
    const person = userTo === 0 ? NOBODY : rules.hashes.ofPersonAt(body, userFrom, userTo);
    event.userHigh = person.high;
    event.userLow = person.low;
    event.eventType = eventType;
    event.regionId = regionId;
    event.occurredAt = occurredAt;
    event.productType = productType;
    event.quantity = quantity;
    return end;
  }

  /** Packs and counts the event at hand, unless a limit keeps it out. */
  private pack(
    rules: AcceptanceRules,
    packer: BatchPacker,
    acceptance: Acceptance,
  ): EventRejection | null {
    const { event, scanner } = this;
    const refusal = rules.refuse(event);
    if (refusal) return refusal;
    packer.addWithMetadata(event, scanner.metadata);
    acceptance.accepted++;
    if (scanner.timestamp > rules.now) acceptance.clamped++;
    return null;
  }
}

const NOT_READ = -1;
const NOBODY = { high: 0, low: 0 };
const EVENTS = asciiBytes('"events"');

/** Where the first event of a list would begin, and whether the list is `{"events": [...]}`; null for any other body. */
function startOfList(body: Uint8Array): { at: number; isWrapped: boolean } | null {
  let at = afterSpace(body, 0);
  const isWrapped = body[at] === Byte.openBrace;
  if (isWrapped) {
    at = afterSpace(body, at + 1);
    if (!isWordAt(EVENTS, body, at)) return null;
    at = afterSpace(body, at + EVENTS.length);
    if (body[at] !== Byte.colon) return null;
    at = afterSpace(body, at + 1);
  }
  return body[at] === Byte.openBracket ? { at: at + 1, isWrapped } : null;
}

/** Whether the list ends at `at`, and the body with it. */
function isEnd(body: Uint8Array, at: number, isWrapped: boolean): boolean {
  if (body[at] !== Byte.closeBracket) return false;
  let end = afterSpace(body, at + 1);
  if (isWrapped) {
    if (body[end] !== Byte.closeBrace) return false;
    end = afterSpace(body, end + 1);
  }
  return end === body.length;
}
