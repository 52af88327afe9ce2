import type { ParcelContents } from "./compose-parcels.ts";
import type { Dispatch } from "./outbox-store.ts";
import type { NumberedParcel } from "./send-parcels.ts";

const RESEND_AFTER_MS = 5_000;
const MAX_RESEND_AFTER_MS = 60_000;

/** A dispatch some of whose parcels are not confirmed. */
export class Flight {
  readonly dispatch: Dispatch;
  /** Of the batches it was composed from. */
  readonly bytes: number;
  sends = 0;
  /** Wall clock; due at once at first. */
  private dueAt = Number.NEGATIVE_INFINITY;
  private readonly unconfirmed: Set<number>;

  constructor(dispatch: Dispatch, bytes: number) {
    const { firstParcel, parcels } = dispatch;
    this.dispatch = dispatch;
    this.bytes = bytes;
    this.unconfirmed = new Set(Array.from({ length: parcels }, (_, i) => firstParcel + i));
  }

  /** Takes note of parcels that are stored where they belong; other dispatches' numbers are ignored. */
  confirm(parcels: readonly number[]): void {
    for (const parcel of parcels) this.unconfirmed.delete(parcel);
  }

  get isDone(): boolean {
    return this.unconfirmed.size === 0;
  }

  /** The lowest number that is not confirmed. */
  get lowest(): number {
    for (const number of this.unconfirmed) return number;
    return this.dispatch.firstParcel + this.dispatch.parcels;
  }

  isDue(wallNow: number): boolean {
    return this.dueAt <= wallNow;
  }

  /** Notes that it is sent now; it is due again later, and later each time. */
  sent(wallNow: number): void {
    const backoffMs = RESEND_AFTER_MS * 2 ** this.sends++;
    this.dueAt = wallNow + Math.min(MAX_RESEND_AFTER_MS, backoffMs);
  }

  /** The parcels that are not confirmed, from everything the dispatch was composed into. */
  remaining(composed: readonly ParcelContents[]): NumberedParcel[] {
    return composed
      .map((contents, i) => ({ ...contents, number: this.dispatch.firstParcel + i }))
      .filter(({ number }) => this.unconfirmed.has(number));
  }
}
