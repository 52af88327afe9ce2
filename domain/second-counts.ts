/** Whole numbers by second of event time, in a ring: what is older than the ring is forgotten, and stays so. */
export class SecondCounts {
  private readonly counts: Int32Array;
  /** The second each slot holds; 0 when it never held one. */
  private readonly secondOf: Uint32Array;

  constructor(seconds: number) {
    this.counts = new Int32Array(seconds);
    this.secondOf = new Uint32Array(seconds);
  }

  add(second: number, change: number): void {
    const { secondOf, counts } = this;
    const slot = second % counts.length;
    const held = secondOf[slot] as number;
    if (held > second) return;
    if (held < second) {
      secondOf[slot] = second;
      counts[slot] = 0;
    }
    counts[slot] = (counts[slot] as number) + change;
  }

  /** Takes one from a second and adds it to a later one. */
  move(from: number, to: number): void {
    this.add(to, 1);
    const slot = from % this.counts.length;
    if (this.secondOf[slot] === from) this.counts[slot] = (this.counts[slot] as number) - 1;
  }

  /** The sum from a second on. */
  from(second: number): number {
    let sum = 0;
    for (let slot = 0; slot < this.counts.length; slot++) {
      if ((this.secondOf[slot] as number) >= second) sum += this.counts[slot] as number;
    }
    return sum;
  }
}
