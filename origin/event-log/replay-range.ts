import type { DemandSignal } from "../../contract/demand-signals.ts";
import type { RegionId } from "../../domain/units.ts";
import { type EdgeFault, isEdgeFault } from "../edge/ask-edge.ts";
import type { ReplayClient, ReplaySummary } from "../edge/replay-client.ts";
import type { BronzeStore } from "./bronze-sink.ts";
import { compareSignals, type SignalComparison } from "./compare-signals.ts";
import { type SignalsByWindow, windowKey } from "./fold-region.ts";
import type { ReceivedRange } from "./log-views.ts";
import { rangeContents, receivedEvents } from "./received-events.ts";
import { recordedSignals } from "./recorded-signals.ts";
import { ReplayComposer, replayNameFrom } from "./replay-parcels.ts";

export interface ReplayRequest {
  /** Whose events are played. */
  regionId: RegionId;
  /** The region that hears them: published, and without an event of its own. */
  into: RegionId;
  /** By when the door received them. */
  range: Required<ReceivedRange>;
}

export interface ReplayReport {
  outbox: string;
  deliveries: number;
  parcels: number;
  /** Parcels that the region had from an earlier run. */
  repeatedParcels: number;
  /** As the region counted them. */
  totals: ReplaySummary["totals"];
  /**
   * What this run was told of windows beside what is on record of the region whose events they are. Windows at the range's ends
   * differ where events of them lie outside of it.
   */
  windows: SignalComparison;
}

/** Parcels go in bodies of about this size, one after the other. */
const BODY_BYTES = 512 * 1024;

/**
 * Plays a region's past into a region. The name and numbers of the parcels follow from the events alone, so a replay that was
 * interrupted is run again from the start, and what was taken in before is dropped there.
 *
 * @param onProgress hears how many deliveries were sent, of how many
 */
export async function replayRange(
  store: BronzeStore,
  client: ReplayClient,
  { regionId, into, range }: ReplayRequest,
  onProgress: (sent: number, total: number) => void,
): Promise<ReplayReport | EdgeFault> {
  const { deliveries, fingerprint } = await rangeContents(store, regionId, range);
  const name = replayNameFrom(regionId, into, range.from, range.to, deliveries, fingerprint);
  const composer = new ReplayComposer(name, into);
  const told: SignalsByWindow = new Map();
  const sent = { parcels: 0, repeatedParcels: 0, deliveries: 0 };
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  const post = async (): Promise<EdgeFault | null> => {
    if (waiting.length === 0) return null;
    const answer = await client.postParcels(into, Buffer.concat(waiting));
    if (isEdgeFault(answer)) return answer;
    keepNewest(told, answer.signals);
    sent.parcels += waiting.length;
    sent.repeatedParcels += answer.repeated_parcels;
    waiting = [];
    bytes = 0;
    onProgress(sent.deliveries, deliveries);
    return null;
  };
  const keep = (parcel: Uint8Array | null) => {
    if (parcel === null) return;
    waiting.push(parcel);
    bytes += parcel.byteLength;
  };
  for await (const event of receivedEvents(store, regionId, range)) {
    keep(composer.add(event));
    if (bytes > BODY_BYTES) {
      const fault = await post();
      if (fault) return fault;
    }
    sent.deliveries++;
  }
  keep(composer.finish());
  const fault = await post();
  if (fault) return fault;
  const summary = await client.readReplay(into);
  if (isEdgeFault(summary)) return summary;
  keepNewest(told, summary.signals);
  const windows = compareSignals(await recordedSignals(store, regionId, range), told);
  return { outbox: name.outbox, ...sent, totals: summary.totals, windows };
}

/** Of several signals of a window the highest revision stands. */
function keepNewest(told: SignalsByWindow, signals: readonly DemandSignal[]): void {
  for (const signal of signals) {
    const key = windowKey(signal);
    const known = told.get(key);
    if (!known || known.revision <= signal.revision) told.set(key, signal);
  }
}
