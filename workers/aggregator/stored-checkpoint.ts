/** What a checkpoint of a region holds: its state, the parcels it knows, what it heard of its shards, and its notes. */
import { ByteReader, type ByteWriter } from "../../domain/bytes.ts";
import { readRegion, writeRegion } from "../../domain/region-checkpoint.ts";
import { emptyRegion, RegionState } from "../../domain/region-state.ts";
import type { EpochMs } from "../../domain/units.ts";
import { type LatenessRules, reachMsOf } from "../../domain/watermark.ts";
import { ParcelLedger } from "./parcel-ledger.ts";
import { RegionNotes } from "./region-notes.ts";
import { ShardsHeard } from "./shards-heard.ts";

export interface CheckpointParts {
  state: RegionState;
  ledger: ParcelLedger;
  shards: ShardsHeard;
  notes: RegionNotes;
}

/** Appends everything. `now` is the event clock. */
export function writeCheckpoint(
  writer: ByteWriter,
  { state, ledger, shards, notes }: CheckpointParts,
  now: EpochMs,
): void {
  writeRegion(writer, state, now);
  ledger.writeTo(writer);
  shards.writeTo(writer);
  notes.writeTo(writer);
}

/** Reads what was written, also by versions that knew of no shards and kept no notes; without bytes, a region that has heard nothing. */
export function readCheckpoint(bytes: Uint8Array | null, rules: LatenessRules): CheckpointParts {
  const reachMs = reachMsOf(rules);
  const reader = new ByteReader(bytes ?? new Uint8Array());
  const parts = bytes ? readRegion(reader, reachMs) : emptyRegion(reachMs);
  const state = new RegionState(parts, rules);
  const ledger = bytes ? ParcelLedger.readFrom(reader) : new ParcelLedger();
  const shards = reader.isAtEnd ? new ShardsHeard() : ShardsHeard.readFrom(reader);
  const notes = new RegionNotes();
  if (!reader.isAtEnd) notes.readFrom(reader);
  return { state, ledger, shards, notes };
}
