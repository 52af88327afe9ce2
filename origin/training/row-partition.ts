import { MISSING_BIN } from "./bin-edges.ts";

/** A run of positions in the row order. */
export interface RowRange {
  readonly begin: number;
  readonly end: number;
}

/** The `index`-th of `count` consecutive parts of a range, as equal as can be. */
export function partOf(range: RowRange, index: number, count: number): RowRange {
  const length = range.end - range.begin;
  return {
    begin: range.begin + Math.floor((length * index) / count),
    end: range.begin + Math.floor((length * (index + 1)) / count),
  };
}

/** For each bin, 1 where its rows go left. */
export function leftBins(bin: number, missingLeft: boolean): Uint8Array {
  const goesLeft = new Uint8Array(MISSING_BIN + 1).fill(1, 0, bin + 1);
  goesLeft[MISSING_BIN] = missingLeft ? 1 : 0;
  return goesLeft;
}

export function countLeft(
  range: RowRange,
  bins: Uint8Array,
  goesLeft: Uint8Array,
  order: Uint32Array,
): number {
  let count = 0;
  for (let i = range.begin; i < range.end; i++) {
    count += goesLeft[bins[order[i] ?? 0] ?? 0] ?? 0;
  }
  return count;
}

/** Rows with their derivatives, as `BoostingState` keeps them. */
export interface OrderedRows {
  readonly order: Uint32Array;
  readonly pairs: Float32Array;
}

/** Copies the rows of a range to where the left and the right child keep theirs, in the order they have. */
export function moveRows(
  range: RowRange,
  bins: Uint8Array,
  goesLeft: Uint8Array,
  from: OrderedRows,
  to: OrderedRows,
  leftAt: number,
  rightAt: number,
): void {
  const pairsPerOutput = 2 * from.order.length;
  let nextLeft = leftAt;
  let nextRight = rightAt;
  for (let i = range.begin; i < range.end; i++) {
    const row = from.order[i] ?? 0;
    const target = goesLeft[bins[row] ?? 0] === 1 ? nextLeft++ : nextRight++;
    to.order[target] = row;
    for (let base = 0; base < from.pairs.length; base += pairsPerOutput) {
      to.pairs[base + 2 * target] = from.pairs[base + 2 * i] ?? 0;
      to.pairs[base + 2 * target + 1] = from.pairs[base + 2 * i + 1] ?? 0;
    }
  }
}
