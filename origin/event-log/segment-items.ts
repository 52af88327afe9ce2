import { type DemandSignal, demandSignalsSchema } from "../../contract/demand-signals.ts";
import { sectionsOf } from "../../contract/event-batch.ts";
import { LOG_RECORD_KIND, logRecordsOf } from "../../contract/log-records.ts";
import { EventCursor } from "../../contract/packed-events.ts";
import type { EpochMs } from "../../domain/units.ts";

/** What a segment holds; the same object is shown with other contents each time. */
export type SegmentItem =
  /** An event the cursor stands on, and when the door received it. */
  | { kind: "event"; event: EventCursor; receivedAt: EpochMs }
  /** A demand signal, and the time of its record. */
  | { kind: "signal"; signal: DemandSignal; receivedAt: EpochMs };

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * A segment's events and signals, in their order; kinds of records that are not known are passed over. Throws on bytes that
 * are no segment.
 */
export function* segmentItems(bytes: Uint8Array): Generator<SegmentItem> {
  for (const { kind, at, payload, bytes: record } of logRecordsOf(bytes)) {
    if (kind === LOG_RECORD_KIND.events) {
      for (const { regionId, bytes: packed, receivedAt } of sectionsOf(record)) {
        const event = new EventCursor(regionId, packed);
        const item = { kind: "event", event, receivedAt } as const;
        while (event.next()) yield item;
      }
    } else if (kind === LOG_RECORD_KIND.demandSignals) {
      const signals = demandSignalsSchema.parse(JSON.parse(decoder.decode(payload)));
      for (const signal of signals) yield { kind: "signal", signal, receivedAt: at };
    }
  }
}

/** What is wrong with bytes that should be a segment; null when nothing is. */
export function segmentFault(bytes: Uint8Array): string | null {
  try {
    const items = segmentItems(bytes);
    while (!items.next().done);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
