import type { ParcelHeader } from "../../contract/parcel.ts";
import type { OutboxRpc } from "../../contract/rpc.ts";

/** Tells each outbox which of its parcels are stored. Rejects when one could not be told; the others were. */
export async function confirmParcels(
  parcels: readonly ParcelHeader[],
  outboxNamed: (name: string) => OutboxRpc,
): Promise<void> {
  const groups = new Map<string, { outbox: string; epoch: number; numbers: number[] }>();
  for (const { outbox, epoch, number } of parcels) {
    const key = `${outbox}/${epoch}`;
    const group = groups.get(key) ?? { outbox, epoch, numbers: [] };
    group.numbers.push(number);
    groups.set(key, group);
  }
  await Promise.all(
    Array.from(groups.values(), ({ outbox, epoch, numbers }) => {
      return outboxNamed(outbox).confirm(epoch, numbers);
    }),
  );
}
