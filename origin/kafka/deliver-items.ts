import type { IngestClient } from "./ingest-client.ts";
import type { KafkaRecord } from "./kafka-port.ts";
import { type LotItem, lotBody } from "./lots.ts";

/** A record that ingest will never take, and why. */
export interface DeadRecord {
  record: KafkaRecord;
  reason: string;
  detail: string;
}

export interface Delivery {
  dead: DeadRecord[];
  /** Set when some records are to be sent again; the first of them is the record from which on. */
  later: { from: KafkaRecord; detail: string; afterMs: number | null } | null;
}

/** Rejections of one event that say nothing against it. */
const PASSING_REJECTIONS = new Set(["rate_limited", "overloaded", "unavailable"]);

/**
 * Sends records in one body. A body that is refused as a whole is sent again in halves, until each record that is at fault stands alone: one
 * that cannot be read takes no other with it.
 */
export async function deliverItems(
  ingest: IngestClient,
  contentType: string,
  items: readonly LotItem[],
): Promise<Delivery> {
  const [first] = items;
  if (!first) return { dead: [], later: null };
  const answer = await ingest.post(lotBody(items), contentType);
  switch (answer.kind) {
    case "accepted":
      return deliveryOf(items, answer.rejected);
    case "later": {
      const { detail, afterMs } = answer;
      return { dead: [], later: { from: recordOf(first), detail, afterMs } };
    }
    case "refused": {
      if (items.length === 1) {
        const { detail } = answer;
        // Of a body with one event, what is said of all its events is said of this one.
        const reason = answer.type === "invalid_events" ? "invalid_event" : answer.type;
        return { dead: [{ record: recordOf(first), reason, detail }], later: null };
      }
      const middle = Math.ceil(items.length / 2);
      const left = await deliverItems(ingest, contentType, items.slice(0, middle));
      if (left.later) return left;
      const right = await deliverItems(ingest, contentType, items.slice(middle));
      return { dead: [...left.dead, ...right.dead], later: right.later };
    }
    default:
      return answer satisfies never;
  }
}

function deliveryOf(
  items: readonly LotItem[],
  rejected: readonly { index: number; type: string; detail: string }[],
): Delivery {
  const [only] = items;
  if (only?.prepared.form === "body") return bodyDelivery(recordOf(only), rejected);
  const delivery: Delivery = { dead: [], later: null };
  for (const { index, type, detail } of rejected.toSorted((a, b) => a.index - b.index)) {
    const item = items[index];
    if (!item) throw new RangeError(`ingest rejected event ${index} of ${items.length}`);
    const record = recordOf(item);
    if (!PASSING_REJECTIONS.has(type)) delivery.dead.push({ record, reason: type, detail });
    else delivery.later ??= { from: record, detail, afterMs: null };
  }
  return delivery;
}

/** Of a record that may hold several events: those that were accepted are, and what is wrong with the others is said of it. */
function bodyDelivery(
  record: KafkaRecord,
  rejected: readonly { index: number; type: string; detail: string }[],
): Delivery {
  const passing = rejected.find(({ type }) => PASSING_REJECTIONS.has(type));
  if (passing) return { dead: [], later: { from: record, detail: passing.detail, afterMs: null } };
  const [first] = rejected;
  if (!first) return { dead: [], later: null };
  const detail = rejected.map((one) => `events[${one.index}]: ${one.detail}`).join(" ");
  return { dead: [{ record, reason: first.type, detail: detail.slice(0, 1_000) }], later: null };
}

const recordOf = ({ prepared }: LotItem) => prepared.record;
