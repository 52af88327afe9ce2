import type { RegionId } from "../../domain/units.ts";
import { type EdgeFault, isEdgeFault } from "../edge/ask-edge.ts";
import type { ReplayClient } from "../edge/replay-client.ts";
import type { BronzeStore } from "./bronze-sink.ts";
import type { ReceivedRange } from "./log-views.ts";
import { rangeContents, receivedEvents } from "./received-events.ts";
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
  /** As the region counted them: deliveries that were repeats or late are among the events. */
  events: number;
  duplicates: number;
  late: number;
  /** Parcels that the region had from an earlier run. */
  repeatedParcels: number;
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
  const report: ReplayReport = {
    ...{ outbox: name.outbox, deliveries, parcels: 0 },
    ...{ events: 0, duplicates: 0, late: 0, repeatedParcels: 0 },
  };
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  let sent = 0;
  const post = async (): Promise<EdgeFault | null> => {
    if (waiting.length === 0) return null;
    const answer = await client.postParcels(into, Buffer.concat(waiting));
    if (isEdgeFault(answer)) return answer;
    report.parcels += waiting.length;
    report.events += answer.events;
    report.duplicates += answer.duplicates;
    report.late += answer.late;
    report.repeatedParcels += answer.repeated_parcels;
    waiting = [];
    bytes = 0;
    onProgress(sent, deliveries);
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
    sent++;
  }
  keep(composer.finish());
  return (await post()) ?? report;
}
