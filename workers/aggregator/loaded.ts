/** What an object keeps of its storage in memory, and how it gets back to it when memory can no longer be trusted. */
import type { EpochMs } from "../../domain/units.ts";

export interface LoadedPorts<Stored> {
  /** Reads everything from storage. */
  load(): Stored;
  /** Runs writes so that all of them are stored or none. */
  transactionSync(work: () => void): void;
  eventNow(): EpochMs;
}

/** Takes in again what `broken`, read from the same storage, had taken in and not stored. */
interface Rescuer<Stored> {
  takeAgain(broken: Stored): void;
}

/**
 * The state of an object: read when it is first asked for, and again after work on it threw half-way, since then nobody knows what
 * memory holds.
 */
export class Loaded<Stored extends Rescuer<Stored>> {
  private readonly ports: LoadedPorts<Stored>;
  private stored: Stored | null = null;

  constructor(ports: LoadedPorts<Stored>) {
    this.ports = ports;
  }

  get present(): Stored {
    this.stored ??= this.ports.load();
    return this.stored;
  }

  /** False once the state was read anew: then `stored` may hold what never happened. */
  isPresent(stored: Stored): boolean {
    return this.stored === stored;
  }

  /** The state is read again when it is next asked for. */
  drop(): void {
    this.stored = null;
  }

  /** Does work that changes the state. When it throws, what was not stored is forgotten, and will be sent again. */
  change<Result>(work: (stored: Stored) => Result): Result {
    try {
      return work(this.present);
    } catch (error) {
      this.drop();
      throw error;
    }
  }

  /**
   * Takes in what comes. When that throws, only what threw is forgotten: what came before it and is not stored is taken in again, so
   * one broken message, however often it comes, holds up nothing else.
   */
  takeIn<Result>(work: (stored: Stored) => Result): Result {
    const stored = this.present;
    try {
      return work(stored);
    } catch (error) {
      this.drop();
      this.change((fresh) => fresh.takeAgain(stored));
      throw error;
    }
  }

  /** Does work that changes the state and what is stored, all of it or nothing. `eventNow` is the event clock. */
  transaction(work: (stored: Stored, eventNow: EpochMs) => void): void {
    const { transactionSync, eventNow } = this.ports;
    this.change((stored) => transactionSync(() => work(stored, eventNow())));
  }
}
