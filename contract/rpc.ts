/**
 * What the Workers ask of each other's Durable Objects: typed calls, no HTTP.
 *
 * Interfaces, not classes, so that a Worker depends on what it calls and never on another Worker's code.
 */
import type { DemandForecast } from "../domain/forecast.ts";
import type { Announced } from "../domain/price-lows.ts";
import type { FeatureSnapshot } from "../domain/snapshot.ts";
import type { ToldBySlot } from "../domain/told-prices.ts";
import type { Totals } from "../domain/totals.ts";
import type { EpochMs } from "../domain/units.ts";
import type { DemandSignal } from "./demand-signals.ts";
import type { Moved } from "./region-layout.ts";
import type { RegionDemand } from "./regions.ts";

/** Bookings per quarter hour before the region's first event; `counts[i]` is the slot that begins at startAt + i * 15 min. */
export interface HistorySeed {
  startAt: EpochMs;
  counts: number[];
}

/** The region's object, as the pricing Worker uses it. Its name is the region id. */
export interface RegionWindowRpc {
  demand(): Promise<RegionDemand>;
  /**
   * The present snapshot, or null when its tick is `knownTick` still. A new one is stored before it is answered. `told` is what was
   * told at the known tick: whoever makes the region say something new also says what prices the new ones follow.
   */
  snapshot(
    knownTick: number,
    timeZone: string,
    told?: ToldBySlot,
    announced?: Announced,
  ): Promise<FeatureSnapshot | null>;
  /** The snapshot of an earlier tick, or null when it is no longer kept (two hours of wall time). */
  snapshotAt(tick: number): Promise<FeatureSnapshot | null>;
  /**
   * Tells the region what was decided at a tick: the forecast, so that an isolate without a model has one to fall back on, and the
   * prices, which those of the next tick follow; `announced` says which of them are announced as reduced.
   */
  recordDecided(
    tick: number,
    forecast: DemandForecast | null,
    told: ToldBySlot,
    announced?: Announced,
  ): Promise<void>;
  /** Replaces what is known of the time before the region's first event. */
  seedHistory(seed: HistorySeed): Promise<void>;
}

/** What became of parcels that a region took in. */
export interface ParcelsApplied {
  /** Events of parcels that came for the first time. */
  events: number;
  duplicates: number;
  late: number;
  /** Parcels that came again; their events are not counted anywhere. */
  repeatedParcels: number;
  /** How far the watermark is behind the event clock. */
  watermarkLagMs: number;
  /** Rows that whoever answers has written since it last did, as they are billed. */
  rowsWritten?: number;
  /** What the region let out by itself since its last answer. */
  outlets?: OutletCounts;
}

/** What went out of a region beside its answers. */
export interface OutletCounts {
  signalsTold: number;
  /** Those of them that replaced an earlier revision. */
  signalsCorrected: number;
  /** Late events that its bounds dropped; they are in the event log still. */
  lateDropped: number;
  /** Messages of late events that wait for confirmation now. */
  lateDepth: number;
}

/** What a region that is only played again holds. */
export interface ReplaySummary {
  /** Null before the first parcel. */
  watermarkAt: EpochMs | null;
  totals: Totals;
  /** Of windows that closed, or are open still, and were not answered before; the highest revision of each stands. */
  signals: DemandSignal[];
}

/** What became of parcels that were played again. */
export interface RegionReplayed extends ReplaySummary {
  /** Events of parcels that came for the first time. */
  events: number;
  duplicates: number;
  late: number;
  repeatedParcels: number;
}

/** The region's object, as replay uses it. Null when the region is live: something came to it from the queue. */
export interface RegionReplayRpc {
  /**
   * Counts parcels of the past, in the order in which the door received them, each once however often it comes. Nothing of it is
   * confirmed to an outbox or told to the event log. Stored when it answers.
   */
  replay(parcels: Uint8Array[]): Promise<RegionReplayed | null>;
  /** What the region holds, the windows that are open still among its signals. */
  replayed(): Promise<ReplaySummary | null>;
}

/** The region's object, as the queue consumer uses it. */
export interface RegionIntakeRpc {
  /**
   * Counts parcels (contract/parcel.ts) of this region, each once however often it comes. Their outboxes are told when they are stored.
   * A region that is split counts nothing itself, and answers who does.
   */
  apply(parcels: Uint8Array[]): Promise<ParcelsApplied | Moved>;
}

/** The region's object, as the consumer of late events uses it. */
export interface RegionLateRpc {
  /** Forgets rows of late events that are stored elsewhere now (`row` of contract/late-events.ts); unknown ones are ignored. */
  confirmLate(rows: number[]): Promise<void>;
}

/** The outbox, as the aggregator uses it: what is confirmed is forgotten. */
export interface OutboxRpc {
  /**
   * `epoch` as in the parcels; numbers of another epoch are not known any more and are ignored. `slices` says which slices of
   * these parcels are stored, as a mask; every slice when it is not given. A parcel is forgotten once each slice of it was confirmed.
   */
  confirm(epoch: number, parcels: number[], slices?: number): Promise<void>;
}

/** The outbox, as the door uses it. */
export interface OutboxIntakeRpc {
  /** Keeps log records (contract/log-records.ts), so also a batch; durable when it answers "stored". "full" keeps nothing. */
  append(records: Uint8Array): Promise<"stored" | "full">;
}

/** How an outbox stands. Ages are by the wall clock, to about a second. */
export interface OutboxStatus {
  outbox: string;
  epoch: number;
  /** What it stores that not both the regions and the event log have; parcels it holds apart. */
  depth: { batches: number; bytes: number; oldestAgeMs: number };
  /** Dispatches some of whose parcels are not confirmed. */
  dispatches: number;
  /** Parcels set aside for regions that do not take them. */
  held: { regionId: string; parcels: number; bytes: number }[];
  /** What is not in the event log. */
  logLag: { batches: number; bytes: number; oldestAgeMs: number };
  /** These since the object was started, the last three as they are billed: */
  segmentsWritten: number;
  segmentFailures: number;
  rowsWritten: number;
  /** Calls and alarms. */
  calls: number;
  /** Messages by each 64 KB or less. */
  queueUnits: number;
}

/** The outbox, as whoever watches it sees it. */
export interface OutboxStatusRpc {
  status(): Promise<OutboxStatus>;
}
