import { addRows, HISTOGRAM_WIDTH, subtract } from "./histogram.ts";
import type { OrderedRows, RowRange } from "./row-partition.ts";

/**
 * One thread's histograms: a slot a node, and in it a histogram for each of the thread's features.
 *
 * A child takes over the slot of its parent, and its sibling gets a new one, so a tree never needs more slots than
 * its widest level has nodes.
 */
export interface NodeHistograms {
  /** The histogram of the thread's `index`-th feature in a slot. */
  at(slot: number, index: number): Float64Array;
  /** Fills a slot from a node's rows. */
  count(slot: number, features: readonly number[], rows: RowRange, ordered: OrderedRows): void;
  /** Leaves in the parent's slot what is not in the child's. */
  subtractFrom(parentSlot: number, childSlot: number, featureCount: number): void;
}

export function createNodeHistograms(
  slots: number,
  featuresPerSlot: number,
  outputCount: number,
  binsOf: (feature: number) => Uint8Array,
): NodeHistograms {
  const width = outputCount * HISTOGRAM_WIDTH;
  const slotWidth = featuresPerSlot * width;
  const memory = new Float64Array(slots * slotWidth);
  /** Features are counted two at a time; the last of an odd number is paired with itself. */
  const unpaired = new Float64Array(width);
  const at = (slot: number, index: number) =>
    memory.subarray(slot * slotWidth + index * width, slot * slotWidth + (index + 1) * width);
  return {
    at,
    count(slot, features, { begin, end }, { order, pairs }) {
      for (let index = 0; index < features.length; index += 2) {
        const first = features[index] ?? 0;
        const second = features[index + 1] ?? first;
        const firstHistogram = at(slot, index).fill(0);
        const secondHistogram =
          index + 1 < features.length ? at(slot, index + 1).fill(0) : unpaired;
        const bins = [binsOf(first), binsOf(second)] as const;
        addRows([firstHistogram, secondHistogram], bins, order, pairs, begin, end);
      }
    },
    subtractFrom(parentSlot, childSlot, featureCount) {
      for (let index = 0; index < featureCount; index++) {
        subtract(at(parentSlot, index), at(childSlot, index));
      }
    },
  };
}
