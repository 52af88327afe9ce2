/**
 * Rows of 32-bit words by 64-bit keys, in typed arrays, for tables of millions of keys that must never pause.
 *
 * Extendible hashing: the top bits of a key's low half name a segment, the bottom bits a place in it. A segment is a small
 * table of open addressing with linear probing; when it is full, the rows nobody needs are swept out of it, and where that
 * frees too little it grows, or splits in two. So the work of one insert is bounded by the size of one segment, however
 * large the table is. Not one object per key, because garbage collection pauses grow with the number of objects.
 *
 * Keys must be well-mixed hashes. A row is `high, low, ..., stamp`: a stamp of 0 marks a slot that is free, and stamps below
 * a floor mark rows that may be swept. The same key may have several rows; they lie in one run of used slots.
 */
export interface Segment {
  words: Uint32Array;
  /** Place of the first word of a key's first slot: (low & mask) * width. */
  mask: number;
  used: number;
  /** How many top bits all keys of this segment share. */
  depth: number;
}

const FEWEST_SLOTS = 64;
const MOST_SLOTS = 4_096;
/** A segment is full at this share of used slots; one with more than ROOMY of them used after a sweep grows or splits. */
const FULL = 0.75;
const ROOMY = 0.6;
const MAX_DEPTH = 14;

export class SlotTable {
  readonly width: number;
  /** Segments by the top `32 - shift` bits; neighbours may be the same segment. */
  private directory: Segment[];
  private shift = 31;
  private rows = 0;
  /** A segment's old rows while it is made anew: allocating in their place would be the dearer part. */
  private scratch = new Uint32Array(0);

  constructor(width: number, expectedRows = 0) {
    this.width = width;
    const segment = this.segmentWith(Math.min(MOST_SLOTS, slotsFor(expectedRows)), 0);
    this.directory = [segment, segment];
  }

  /** Rows in the table, those below a floor and not yet swept among them. */
  get size(): number {
    return this.rows;
  }

  /** Bytes of its segments. */
  get byteLength(): number {
    let bytes = 0;
    for (const { words } of this.segments()) bytes += words.byteLength;
    return bytes;
  }

  segmentOf(low: number): Segment {
    return this.directory[low >>> this.shift] as Segment;
  }

  /** True when another row in the segment asks for `roomIn` first. */
  isFull({ used, mask }: Segment): boolean {
    return used + 1 > (mask + 1) * FULL;
  }

  /** Counts a row that was written to a free slot of the segment. */
  added(segment: Segment): void {
    segment.used++;
    this.rows++;
  }

  /** The segment for a key with room for another row; rows with stamps below `floor` may be gone. */
  roomIn(low: number, floor: number): Segment {
    let segment = this.segmentOf(low);
    while (this.isFull(segment)) {
      this.makeRoom(segment, low, floor);
      segment = this.segmentOf(low);
    }
    return segment;
  }

  /** The first free slot for a key, as a place in the words of its segment. */
  freeSlot({ words, mask }: Segment, low: number): number {
    const { width } = this;
    let at = (low & mask) * width;
    while (words[at + width - 1] !== 0) {
      at += width;
      if (at === words.length) at = 0;
    }
    return at;
  }

  /** Calls `visit` with the words and the place in them of each row whose stamp is at least `floor`. */
  forEach(floor: number, visit: (words: Uint32Array, at: number) => void): void {
    const { width } = this;
    for (const { words } of this.segments()) {
      for (let at = 0; at < words.length; at += width) {
        const stamp = words[at + width - 1] ?? 0;
        if (stamp !== 0 && stamp >= floor) visit(words, at);
      }
    }
  }

  private *segments(): Generator<Segment> {
    let last: Segment | null = null;
    for (const segment of this.directory) {
      if (segment !== last) yield segment;
      last = segment;
    }
  }

  private makeRoom(full: Segment, low: number, floor: number): void {
    const { words, depth } = full;
    const { width } = this;
    let kept = 0;
    for (let at = width - 1; at < words.length; at += width) {
      const stamp = words[at] as number;
      if (stamp !== 0 && stamp >= floor) kept++;
    }
    const slots = slotsFor(kept + 1);
    if (slots <= MOST_SLOTS || depth === MAX_DEPTH) {
      const next = slots === full.mask + 1 ? full : this.segmentWith(slots, depth);
      this.replace(full, low, () => next);
      this.refill(full, floor, () => next);
      return;
    }
    if (depth === 32 - this.shift) {
      this.directory = this.directory.flatMap((segment) => [segment, segment]);
      this.shift--;
    }
    const bit = 31 - depth;
    const { shift } = this;
    full.depth++;
    const half = this.segmentWith(MOST_SLOTS, depth + 1);
    this.replace(full, low, (place) => (((place >>> (bit - shift)) & 1) === 0 ? full : half));
    this.refill(full, floor, (keyLow) => (((keyLow >>> bit) & 1) === 0 ? full : half));
  }

  /** Puts segments in the places that one has, which lie side by side around that of a key. */
  private replace(old: Segment, low: number, by: (place: number) => Segment): void {
    const place = low >>> this.shift;
    let first = place;
    while (first > 0 && this.directory[first - 1] === old) first--;
    for (let i = first; this.directory[i] === old || i === first; i++) this.directory[i] = by(i);
  }

  private refill(full: Segment, floor: number, segmentOf: (low: number) => Segment): void {
    const { width, scratch } = this;
    const { length } = full.words;
    if (scratch.length < length) this.scratch = new Uint32Array(length);
    const rows = this.scratch;
    rows.set(full.words);
    this.rows -= full.used;
    full.words.fill(0);
    full.used = 0;
    for (let at = 0; at < length; at += width) {
      const stamp = rows[at + width - 1] as number;
      if (stamp === 0 || stamp < floor) continue;
      const low = rows[at + 1] as number;
      const segment = segmentOf(low);
      const to = this.freeSlot(segment, low);
      for (let word = 0; word < width; word++) segment.words[to + word] = rows[at + word] as number;
      this.added(segment);
    }
  }

  private segmentWith(slots: number, depth: number): Segment {
    return { words: new Uint32Array(slots * this.width), mask: slots - 1, used: 0, depth };
  }
}

function slotsFor(rows: number): number {
  let slots = FEWEST_SLOTS;
  while (slots * ROOMY < rows) slots *= 2;
  return slots;
}
