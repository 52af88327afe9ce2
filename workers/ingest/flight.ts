import { ALL_SLICES } from "../../domain/slices.ts";
import type { ParcelContents } from "./compose-parcels.ts";
import type { Dispatch } from "./outbox-store.ts";
import type { NumberedParcel } from "./send-parcels.ts";

const RESEND_AFTER_MS = 5_000;
const MAX_RESEND_AFTER_MS = 60_000;
const RETRY_AFTER_MS = 1_000;
const MAX_RETRY_AFTER_MS = 8_000;

/** A dispatch some of whose parcels are not confirmed. */
export class Flight {
  readonly dispatch: Dispatch;
  /** How often the queue took it. */
  sends = 0;
  /** Wall clock; due at once at first. */
  dueAt = Number.NEGATIVE_INFINITY;
  private failures = 0;
  /** By number, in ascending order: the slices that are not confirmed, as a mask. */
  private readonly missing: Map<number, number>;

  constructor(dispatch: Dispatch) {
    const { firstParcel, parcels } = dispatch;
    this.dispatch = dispatch;
    this.missing = new Map(
      Array.from({ length: parcels }, (_, i) => [firstParcel + i, ALL_SLICES]),
    );
  }

  /** Takes note of parcels whose `slices` are stored where they belong; other dispatches' numbers are ignored. */
  confirm(parcels: readonly number[], slices: number): void {
    for (const parcel of parcels) {
      const missing = this.missing.get(parcel);
      if (missing === undefined) continue;
      const left = missing & ~slices;
      if (left === 0) this.missing.delete(parcel);
      else this.missing.set(parcel, left);
    }
  }

  get isDone(): boolean {
    return this.missing.size === 0;
  }

  /** The lowest number that is not confirmed. */
  get lowest(): number {
    for (const number of this.missing.keys()) return number;
    return this.dispatch.firstParcel + this.dispatch.parcels;
  }

  /** Notes that the queue took it; it is due again later, and later each time. */
  sent(wallNow: number): void {
    const backoffMs = RESEND_AFTER_MS * 2 ** this.sends++;
    this.dueAt = wallNow + Math.min(MAX_RESEND_AFTER_MS, backoffMs);
    this.failures = 0;
  }

  /** Notes that the queue did not take it: no region had it to confirm, so it is due again sooner. */
  notSent(wallNow: number): void {
    const backoffMs = RETRY_AFTER_MS * 2 ** this.failures++;
    this.dueAt = wallNow + Math.min(MAX_RETRY_AFTER_MS, backoffMs);
  }

  /** The parcels that are not confirmed, from everything the dispatch was composed into. */
  remaining(composed: readonly ParcelContents[]): NumberedParcel[] {
    return composed
      .map((contents, i) => ({ ...contents, number: this.dispatch.firstParcel + i }))
      .filter(({ number }) => this.missing.has(number));
  }
}
