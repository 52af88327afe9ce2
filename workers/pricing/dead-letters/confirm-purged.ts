/** Whoever keeps sending a message is told to forget it, or a purged message would be back within the minute. */
import { lateEventsOf } from "../../../contract/late-events.ts";
import { parcelOf } from "../../../contract/parcel.ts";
import type { OutboxRpc, RegionLateRpc } from "../../../contract/rpc.ts";
import { ALL_SLICES } from "../../../domain/slices.ts";
import type { RegionId } from "../../../domain/units.ts";
import type { WholeLetter } from "./dead-letter-store.ts";

export interface Senders {
  outbox(name: string): Pick<OutboxRpc, "confirm">;
  region(regionId: RegionId): Pick<RegionLateRpc, "confirmLate">;
}

/** Confirms parcels at their outboxes, every slice of them, and late events at their regions. Rejects when one cannot be told. */
export async function confirmPurged(
  letters: readonly WholeLetter[],
  { outbox, region }: Senders,
): Promise<void> {
  await Promise.all(
    letters.map(async ({ contentType, body }) => {
      if (contentType !== "bytes") return;
      const parcel = parcelOf(body);
      if (parcel) return outbox(parcel.outbox).confirm(parcel.epoch, [parcel.number], ALL_SLICES);
      const late = lateEventsOf(body);
      if (late) return region(late.regionId).confirmLate([late.row]);
    }),
  );
}
