import { type DemandSignal, demandSignalFrom } from "../../contract/demand-signals.ts";
import {
  LOG_RECORD_HEADER_BYTES,
  LOG_RECORD_KIND,
  writeLogRecord,
} from "../../contract/log-records.ts";
import type { OutboxIntakeRpc } from "../../contract/rpc.ts";
import { ByteWriter } from "../../domain/bytes.ts";
import type { EpochMs, RegionId } from "../../domain/units.ts";
import type { WindowSignal } from "../../domain/window-signals.ts";
import type { StoredRegion } from "./stored-region.ts";

/** Signals that go out together; a region that was cut off for long tells the rest next time. */
const MOST_AT_ONCE = 500;

const encoder = new TextEncoder();

/** Signals that are about to be told. */
export interface Telling {
  signals: readonly WindowSignal[];
  /** The outbox that the region's parcels came from last. */
  outbox: string;
  record: Uint8Array<ArrayBuffer>;
}

/** Looks at the windows that closed, and composes what is to be told of them; null when nothing is. `now` is the event clock. */
export function composeTelling(
  region: StoredRegion,
  regionId: RegionId,
  now: EpochMs,
): Telling | null {
  const { state } = region;
  const { signals, outbox } = region.notes;
  signals.collect(state, now);
  const untold = signals.untold(MOST_AT_ONCE);
  if (untold.length === 0 || outbox === null) return null;
  const payload = encoder.encode(JSON.stringify(wireSignals(region, untold, regionId, now)));
  const writer = new ByteWriter(LOG_RECORD_HEADER_BYTES + payload.byteLength);
  writeLogRecord(writer, { kind: LOG_RECORD_KIND.demandSignals, at: now, payload });
  return { signals: untold, outbox, record: writer.copy() };
}

/** Signals as they are told at `now` (event clock). */
export function wireSignals(
  { state }: StoredRegion,
  signals: readonly WindowSignal[],
  regionId: RegionId,
  now: EpochMs,
): DemandSignal[] {
  const watermarkAt = state.watermarkAt(now);
  return signals.map((signal) => demandSignalFrom(signal, regionId, watermarkAt, now));
}

/** True when the signals are durable where they were told; false when the outbox is full. */
export async function tell(
  { outbox, record }: Telling,
  outboxNamed: (name: string) => OutboxIntakeRpc,
): Promise<boolean> {
  return (await outboxNamed(outbox).append(record)) === "stored";
}
