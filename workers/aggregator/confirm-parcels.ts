import type { ParcelHeader } from "../../contract/parcel.ts";
import type { OutboxRpc } from "../../contract/rpc.ts";

/** Which slices of which parcel. */
export type ParcelPart = Pick<ParcelHeader, "outbox" | "epoch" | "number" | "slices">;

/** Tells each outbox which of its parcels, or parts of them, are stored. Rejects when one could not be told; the others were. */
export async function confirmParcels(
  parcels: readonly ParcelPart[],
  outboxNamed: (name: string) => OutboxRpc,
): Promise<void> {
  const groups = new Map<string, Omit<ParcelPart, "number"> & { numbers: number[] }>();
  for (const { outbox, epoch, number, slices } of parcels) {
    const key = `${outbox}/${epoch}/${slices}`;
    const group = groups.get(key) ?? { outbox, epoch, slices, numbers: [] };
    group.numbers.push(number);
    groups.set(key, group);
  }
  await Promise.all(
    Array.from(groups.values(), ({ outbox, epoch, numbers, slices }) => {
      return outboxNamed(outbox).confirm(epoch, numbers, slices);
    }),
  );
}
