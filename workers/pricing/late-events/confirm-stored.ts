/** Tells regions which of their late events are written down, so that they may forget them. */
import type { LateEvents } from "../../../contract/late-events.ts";
import { type Log, messageOf } from "../../../contract/log.ts";
import type { RegionLateRpc } from "../../../contract/rpc.ts";
import type { RegionId } from "../../../domain/units.ts";

/** The object of a region, as the consumer of late events uses it. */
export type LateRegions = (regionId: RegionId) => Pick<RegionLateRpc, "confirmLate">;

/** Never rejects: a region that could not be told sends its rows again, and is told then. */
export async function confirmStored(
  messages: readonly LateEvents[],
  regions: LateRegions,
  log: Log,
): Promise<void> {
  const byRegion = Map.groupBy(messages, ({ regionId }) => regionId);
  await Promise.all(
    Array.from(byRegion, async ([regionId, some]) => {
      try {
        await regions(regionId).confirmLate(some.map(({ row }) => row));
      } catch (error) {
        log("warn", "late events are stored, and their region could not be told", {
          regionId,
          error: messageOf(error),
        });
      }
    }),
  );
}
