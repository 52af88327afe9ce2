import type { OutboxStatus } from "../../contract/rpc.ts";
import type { EventLogWriter } from "./event-log-writer.ts";
import type { HeldParcels } from "./held-parcels.ts";
import type { StoredBatches } from "./stored-batches.ts";
import type { StoredSince } from "./stored-since.ts";

export interface OutboxParts {
  outbox: string;
  epoch: number;
  batches: StoredBatches;
  eventLog: EventLogWriter;
  held: HeldParcels;
  since: StoredSince;
  rowsWritten: number;
  calls: number;
  queueUnits: number;
  /** That are in flight. */
  dispatches: number;
}

/** How an outbox with these parts stands. */
export function outboxStatus(parts: OutboxParts, wallNow: number): OutboxStatus {
  const { outbox, epoch, batches, eventLog, held, since, dispatches } = parts;
  const { rowsWritten, calls, queueUnits } = parts;
  const { forgottenSeq, lastSeq } = batches;
  const ageOf = (seq: number) => (seq > lastSeq ? 0 : wallNow - (since.of(seq) ?? wallNow));
  const unlogged = batches.measure(eventLog.writtenSeq + 1, lastSeq);
  return {
    outbox,
    epoch,
    depth: {
      batches: batches.count,
      bytes: batches.bytes,
      oldestAgeMs: ageOf(forgottenSeq + 1),
    },
    dispatches,
    held: held.byRegion(),
    logLag: {
      batches: unlogged.count,
      bytes: unlogged.bytes,
      oldestAgeMs: ageOf(eventLog.writtenSeq + 1),
    },
    segmentsWritten: eventLog.segmentsWritten,
    segmentFailures: eventLog.failures,
    rowsWritten,
    calls,
    queueUnits,
  };
}
