import type { EventStore, StoredEvent } from "./event-store.ts";

/**
 * Writes a queue's changes to its store, one write at a time and many changes a write.
 *
 * An event that is settled before it was written never is. What could not be written is written with the next change.
 */
export class StoreWriter {
  readonly #store: EventStore;
  readonly #onFailure: (cause: unknown) => void;
  #appends = new Map<string, StoredEvent>();
  #removals: string[] = [];
  #writing: Promise<void> | null = null;

  constructor(store: EventStore, onFailure: (cause: unknown) => void) {
    this.#store = store;
    this.#onFailure = onFailure;
  }

  /** Events the store does not have yet. */
  get unwritten(): number {
    return this.#appends.size;
  }

  append(event: StoredEvent): void {
    this.#appends.set(event.id, event);
    this.#start();
  }

  remove(id: string): void {
    if (this.#appends.delete(id)) return;
    this.#removals.push(id);
    this.#start();
  }

  /** Resolves once everything up to now was written, true, or could not be, false. */
  async written(): Promise<boolean> {
    if (this.#hasWork()) this.#start();
    await this.#writing;
    return this.#appends.size === 0;
  }

  #hasWork(): boolean {
    return this.#appends.size > 0 || this.#removals.length > 0;
  }

  #start(): void {
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    // What is tracked in one go is written in one go.
    await Promise.resolve();
    try {
      while (this.#hasWork()) await this.#writeOnce();
    } catch (cause) {
      this.#onFailure(cause);
    } finally {
      this.#writing = null;
    }
  }

  async #writeOnce(): Promise<void> {
    const appends = this.#appends;
    const removals = this.#removals;
    this.#appends = new Map();
    this.#removals = [];
    try {
      if (appends.size > 0) await this.#store.append([...appends.values()]);
      appends.clear();
      if (removals.length > 0) await this.#store.remove(removals);
    } catch (cause) {
      this.#appends = new Map([...appends, ...this.#appends]);
      this.#removals = [...removals, ...this.#removals];
      throw cause;
    }
  }
}
