import type { Totals } from "../../domain/totals.ts";
import { HOUR_MS, MINUTE_MS, plus, type RegionId } from "../../domain/units.ts";
import type { LatenessRules } from "../../domain/watermark.ts";
import type { BronzeStore } from "./bronze-sink.ts";
import { compareSignals, type SignalComparison } from "./compare-signals.ts";
import { RegionFold } from "./fold-region.ts";
import type { ReceivedRange } from "./log-views.ts";
import { rangeContents, receivedEvents } from "./received-events.ts";
import { recordedSignals } from "./recorded-signals.ts";
import { ReplayComposer, replayNameFrom } from "./replay-parcels.ts";

export interface Verification extends SignalComparison {
  deliveries: number;
  /** Of the deliveries that were folded, those before and after the range among them. */
  totals: Totals;
}

/** Sessions and remembered keys reach so far back. */
const WARM_UP_MS = HOUR_MS;
/** Events that belong into the range's windows may come so much later, beside the allowed lateness. */
const AFTERMATH_MS = 15 * MINUTE_MS;
/** Deliveries between two tellings of how far it has come. */
const TOLD_EVERY = 1_000;

/**
 * Folds a region's past through the domain code and compares the windows that lie in the range with those that the edge
 * recorded.
 */
export async function verifyRange(
  store: BronzeStore,
  regionId: RegionId,
  range: Required<ReceivedRange>,
  rules: LatenessRules,
  onProgress: (done: number, total: number) => void,
): Promise<Verification> {
  const wider = {
    from: plus(range.from, -WARM_UP_MS),
    to: plus(range.to, AFTERMATH_MS + rules.allowedLatenessMs),
  };
  const { deliveries } = await rangeContents(store, regionId, wider);
  const composer = new ReplayComposer(replayNameFrom(regionId), regionId);
  const fold = new RegionFold(regionId, rules);
  const play = (parcel: Uint8Array | null) => {
    if (parcel !== null) fold.play(parcel);
  };
  let done = 0;
  for await (const event of receivedEvents(store, regionId, wider)) {
    play(composer.add(event));
    if (++done % TOLD_EVERY === 0) onProgress(done, deliveries);
  }
  play(composer.finish());
  const totals = fold.finish();
  const recorded = await recordedSignals(store, regionId, range);
  const folded = new Map(
    [...fold.signals].filter(([, { start_at, end_at }]) => {
      return Date.parse(start_at) >= range.from && Date.parse(end_at) <= range.to;
    }),
  );
  return { deliveries, totals, ...compareSignals(recorded, folded) };
}
