/** How many entries a generation has; twice as many are kept at most. */
const GENERATION = 2_500;

/**
 * What was used lately, by name, in two generations: when the younger is full, the elder is forgotten.
 *
 * Few, because whatever lives in an isolate is marked by every garbage collection.
 */
export class RecentMap<Value> {
  private younger = new Map<string, Value>();
  private elder = new Map<string, Value>();

  get(name: string): Value | undefined {
    const value = this.younger.get(name);
    if (value !== undefined) return value;
    const old = this.elder.get(name);
    if (old !== undefined) this.set(name, old);
    return old;
  }

  set(name: string, value: Value): void {
    if (this.younger.size >= GENERATION && !this.younger.has(name)) {
      this.elder = this.younger;
      this.younger = new Map();
    }
    this.younger.set(name, value);
  }

  delete(name: string): void {
    this.younger.delete(name);
    this.elder.delete(name);
  }
}
