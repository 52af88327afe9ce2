/**
 * Records of the event log: what an outbox stores, and what a segment of the log holds.
 *
 *     u8 kind | f64 at | u32 length | payload
 *
 * Records laid end to end are records. An event batch (contract/event-batch.ts) is a record as it stands: its version is the
 * kind, its sections are the payload. A reader passes over kinds it does not know.
 */
import { ByteReader, type ByteWriter } from "../domain/bytes.ts";
import type { EpochMs } from "../domain/units.ts";

export const LOG_RECORD_KIND = {
  /** Sections of packed events, region by region. */
  events: 1,
  /** UTF-8 JSON: an array of demand signals (contract/demand-signals.ts). */
  demandSignals: 2,
} as const;

/** Bytes before the payload. */
export const LOG_RECORD_HEADER_BYTES = 13;

export interface LogRecord {
  kind: number;
  /** Event clock of whoever made the record. */
  at: EpochMs;
  /** A view into the bytes that were read. */
  payload: Uint8Array;
  /** The record with its header; a view like the payload. */
  bytes: Uint8Array;
}

/** Appends one record. */
export function writeLogRecord(
  writer: ByteWriter,
  { kind, at, payload }: Pick<LogRecord, "kind" | "at" | "payload">,
): void {
  writer.u8(kind);
  writer.f64(at);
  writer.u32(payload.byteLength);
  writer.bytes(payload);
}

/** The records laid end to end in `bytes`, whatever their kind. Throws RangeError where the bytes end within one. */
export function* logRecordsOf(bytes: Uint8Array): Generator<LogRecord> {
  const reader = new ByteReader(bytes);
  while (!reader.isAtEnd) {
    const startAt = reader.at;
    const kind = reader.u8();
    const at = reader.f64() as EpochMs;
    const length = reader.u32();
    const payload = reader.bytes(length);
    if (payload.byteLength !== length) throw new RangeError("the bytes end within a log record");
    yield { kind, at, payload, bytes: bytes.subarray(startAt, reader.at) };
  }
}

/** Throws RangeError on bytes that are not records laid end to end. */
export function checkLogRecords(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.byteLength) {
    const lengthEnd = at + LOG_RECORD_HEADER_BYTES;
    if (lengthEnd > bytes.byteLength) break;
    at = lengthEnd + view.getUint32(lengthEnd - 4, true);
  }
  if (at !== bytes.byteLength) throw new RangeError("these bytes are no whole log records");
}
