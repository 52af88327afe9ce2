/** Takes ranges of the decision log into the offline store. */
import { decisionsOf } from "../../contract/decision-log.ts";
import { messageOf } from "../../contract/log.ts";
import type { EpochMs } from "../../domain/units.ts";
import { rangeFileName } from "../event-log/bronze-folder.ts";
import type { BronzeStore } from "../event-log/bronze-sink.ts";
import { keepUnreadable } from "../event-log/keep-unreadable.ts";
import { publishPartitions } from "../event-log/publish-partitions.ts";
import type { SegmentSink } from "../event-log/read-log.ts";
import { DecisionsTable } from "./decisions-table.ts";

/**
 * A sink for one range after the other; what is begun again writes the same files. A decision that a range holds twice is written once;
 * `onTaken` hears how many were written.
 */
export function createDecisionSink(
  store: BronzeStore,
  wallNow: () => EpochMs,
  onTaken: (decisions: number) => void,
): SegmentSink {
  let fileName = "";
  let table: DecisionsTable | null = null;
  let taken = 0;
  const dropTable = async () => {
    const one = table;
    table = null;
    await one?.drop();
  };
  const open = () => {
    if (!table) throw new Error("no range was begun");
    return table;
  };

  return {
    async begin(writer, first, last) {
      // Of a range that was not finished.
      await dropTable();
      fileName = rangeFileName(writer, first, last);
      table = await DecisionsTable.open(store.duckdb);
      taken = 0;
    },
    faultOf(bytes) {
      try {
        const records = decisionsOf(bytes);
        while (!records.next().done);
        return null;
      } catch (error) {
        return messageOf(error);
      }
    },
    async take(sequence, bytes) {
      for (const { record, text } of decisionsOf(bytes)) {
        if (open().add(record, text, sequence)) taken++;
      }
    },
    setAside: (writer, sequence, bytes) => keepUnreadable(store, writer, sequence, bytes),
    async finish() {
      const statements = await publishPartitions(store, open().finish(), fileName, wallNow);
      await dropTable();
      return statements;
    },
    committed: () => onTaken(taken),
  };
}
