/** An event log in memory: segments of made-up events, and a client that reads them. */
import type { DemandSignal } from "../../contract/demand-signals.ts";
import { BatchPacker } from "../../contract/event-batch.ts";
import { LOG_RECORD_KIND, writeLogRecord } from "../../contract/log-records.ts";
import { instantText } from "../../contract/names.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import type { DemandEvent } from "../../domain/event.ts";
import { type EpochMs, epochMs, MINUTE_MS, type RegionId } from "../../domain/units.ts";
import type { EdgeFault } from "../../origin/edge/ask-edge.ts";
import type { EventLogClient } from "../../origin/edge/event-log-client.ts";

export const LOG_NOON = epochMs(Date.UTC(2026, 0, 11, 12));

export function sampleEvent(changes: Partial<DemandEvent> = {}): DemandEvent {
  return {
    eventType: "booking",
    regionId: "nyc-161" as RegionId,
    occurredAt: LOG_NOON,
    keyHigh: 1,
    keyLow: 1,
    userHigh: 0,
    userLow: 0,
    productType: null,
    quantity: 1,
    metadata: "",
    ...changes,
  };
}

export function sampleSignal(changes: Partial<DemandSignal> = {}): DemandSignal {
  return {
    region_id: "nyc-161",
    width_s: 60,
    start_at: instantText(LOG_NOON),
    end_at: instantText(LOG_NOON + MINUTE_MS),
    revision: 1,
    counts: { search: 0, view: 0, booking: 1, cancellation: 0 },
    cancel_rate: 0,
    active_sessions: 1,
    available_drivers: null,
    busy_drivers: null,
    utilization_ratio: null,
    supply_demand_ratio: null,
    watermark: instantText(LOG_NOON + MINUTE_MS),
    told_at: instantText(LOG_NOON + MINUTE_MS),
    ...changes,
  };
}

/** A record of events that the door received at once. */
export function eventRecord(events: readonly DemandEvent[], receivedAt: EpochMs = LOG_NOON) {
  const packer = new BatchPacker();
  for (const event of events) packer.add(event);
  return packer.finish(receivedAt);
}

export function signalRecord(signals: readonly DemandSignal[], at: EpochMs = LOG_NOON) {
  const writer = new ByteWriter();
  const payload = new TextEncoder().encode(JSON.stringify(signals));
  writeLogRecord(writer, { kind: LOG_RECORD_KIND.demandSignals, at, payload });
  return writer.copy();
}

/** Records laid end to end. */
export function segmentOf(...records: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(records.flatMap((record) => [...record]));
}

/** A log whose segments a test adds, and takes away. */
export class LogInMemory implements EventLogClient {
  readonly writers = new Map<string, Map<number, Uint8Array>>();
  /** What the next requests for segments are answered instead. */
  readonly faults: EdgeFault[] = [];
  /** Wall clock of when each segment was written. */
  writtenAt = LOG_NOON;

  add(writer: string, ...segments: readonly Uint8Array[]): void {
    const known = this.writers.get(writer) ?? new Map<number, Uint8Array>();
    this.writers.set(writer, known);
    for (const bytes of segments) known.set(known.size + 1, bytes);
  }

  async readWriters() {
    return [...this.writers.keys()];
  }

  async listSegments(writer: string, after: number, limit: number) {
    const at = instantText(this.writtenAt);
    const all = [...(this.writers.get(writer) ?? [])].sort(([a], [b]) => a - b);
    const segments = all
      .filter(([sequence]) => sequence > after)
      .map(([sequence, { byteLength }]) => {
        return {
          sequence,
          bytes: byteLength,
          records: 1,
          written_at: at,
          first_at: at,
          last_at: at,
        };
      });
    return { writer, segments: segments.slice(0, limit), more: segments.length > limit };
  }

  async readSegment(writer: string, sequence: number) {
    const fault = this.faults.shift();
    if (fault) return fault;
    const bytes = this.writers.get(writer)?.get(sequence);
    if (!bytes) throw new Error(`there is no segment ${sequence} of ${writer}`);
    return bytes;
  }
}
