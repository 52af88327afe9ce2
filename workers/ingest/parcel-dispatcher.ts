import { type Log, messageOf } from "../../contract/log.ts";
import { composeParcels, type ParcelContents } from "./compose-parcels.ts";
import { Flight } from "./flight.ts";
import type { HeldParcels } from "./held-parcels.ts";
import { DISPATCH_SLOTS, type Dispatch, type OutboxStore } from "./outbox-store.ts";
import { messagesFrom, type ParcelQueue, type Sender, sendMessages } from "./send-parcels.ts";
import type { StoredBatches } from "./stored-batches.ts";

/** So much is in memory at a time on its way to the queue, and some more. */
const MAX_DISPATCH_BYTES = 2 * 1024 * 1024;
/** Dispatches that may be unconfirmed at a time; what else is stored waits for its turn. */
const MAX_IN_FLIGHT = 64;
/** A dispatch that was sent so often while others were confirmed waits for a region that does not take its parcels. */
const SENDS_BEFORE_HOLDING = 3;
/** Regions take parcels as long as one was confirmed within this. */
const CONFIRMING_MS = 10_000;
const HELD_LOGGED_EVERY_MS = 60_000;
/** Cloudflare bills a message by 64 KB. */
const UNIT_BYTES = 64_000;

export interface DispatcherPorts {
  /** Name and epoch of the outbox, as each parcel tells them. */
  outbox: string;
  epoch: number;
  rows: OutboxStore;
  batches: StoredBatches;
  held: HeldParcels;
  queue: ParcelQueue;
  /** Resolves when what was stored before is on disk. */
  flush(): Promise<void>;
  wallNow(): number;
  /** Does writes so that all of them are stored or none. */
  together(work: () => void): void;
  /** More is confirmed than was. */
  onConfirmed(): void;
  log: Log;
}

/** Composes batches into numbered parcels, sends them, and sends again what is not confirmed in time. */
export class ParcelDispatcher {
  /** Of what was sent so far, as queues are billed. */
  queueUnits = 0;
  private readonly ports: DispatcherPorts;
  /** By number of the dispatch, oldest first. */
  private readonly flights = new Map<number, Flight>();
  private newest: Dispatch | null;
  private working: Promise<void> | null = null;
  private confirmedAt = Number.NEGATIVE_INFINITY;
  private heldLoggedAt = Number.NEGATIVE_INFINITY;

  /** `pending` are the dispatches of an earlier life that may not be confirmed. */
  constructor(
    ports: DispatcherPorts,
    { newest, pending }: { newest: Dispatch | null; pending: readonly Dispatch[] },
  ) {
    this.ports = ports;
    this.newest = newest;
    for (const dispatch of pending) this.flights.set(dispatch.number, new Flight(dispatch));
  }

  /** Dispatches some of whose parcels are not confirmed. */
  get inFlight(): number {
    return this.flights.size;
  }

  get isWorking(): boolean {
    return this.working !== null;
  }

  /** True when there is something to send now that was kept back. */
  get hasMore(): boolean {
    return this.hasWaiting || this.ports.held.dueAt <= this.ports.wallNow();
  }

  /** All batches up to this one are confirmed, or held apart. */
  get confirmedSeq(): number {
    const [oldest] = this.flights.values();
    if (oldest) return oldest.dispatch.firstSeq - 1;
    return this.newest?.lastSeq ?? this.ports.batches.forgottenSeq;
  }

  /** Takes note that `slices` of parcels are stored where they belong. */
  confirm(parcels: readonly number[], slices: number): void {
    this.confirmedAt = this.ports.wallNow();
    this.ports.held.confirm(parcels, slices);
    for (const flight of this.flights.values()) {
      flight.confirm(parcels, slices);
      if (flight.isDone) this.flights.delete(flight.dispatch.number);
    }
    this.ports.onConfirmed();
  }

  private get hasWaiting(): boolean {
    return this.ports.batches.lastSeq > (this.newest?.lastSeq ?? 0);
  }

  /** Sends what waits, and again what was not confirmed in time. Never rejects: what fails is due again later. */
  work(): Promise<void> {
    this.working ??= this.send().finally(() => {
      this.working = null;
    });
    return this.working;
  }

  /** One dispatch after the other, so that no more than one is in memory. */
  private async send(): Promise<void> {
    const now = this.ports.wallNow();
    try {
      await this.sendMessages(this.ports.held.takeDue(now, this.lowWater, MAX_DISPATCH_BYTES));
      for (const flight of this.flights.values()) {
        if (flight.dueAt <= now) await this.sendFlight(flight, this.composeAgain(flight), now);
      }
      while (this.hasWaiting && this.hasRoom()) {
        const [flight, parcels] = this.dispatchNext();
        // Were it lost after its parcels left, others could be composed under their numbers, and be dropped as repeats.
        await this.ports.flush();
        await this.sendFlight(flight, parcels, now);
      }
    } catch (error) {
      this.ports.log("error", "parcels could not be sent", {
        outbox: this.ports.outbox,
        error: messageOf(error),
      });
    }
  }

  private async sendFlight(
    flight: Flight,
    composed: readonly ParcelContents[],
    now: number,
  ): Promise<void> {
    try {
      await this.sendMessages(messagesFrom(flight.remaining(composed), this.sender));
      flight.sent(now);
    } catch (error) {
      flight.notSent(now);
      throw error;
    }
  }

  private sendMessages(messages: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    for (const { byteLength } of messages) this.queueUnits += Math.ceil(byteLength / UNIT_BYTES);
    return sendMessages(this.ports.queue, messages);
  }

  /** True when another dispatch may be in flight; one that waits for a broken region is taken out for it. */
  private hasRoom(): boolean {
    const [oldest] = this.flights.values();
    if (!oldest) return true;
    const behind = (this.newest?.number ?? 0) - oldest.dispatch.number;
    if (this.flights.size < MAX_IN_FLIGHT && behind < DISPATCH_SLOTS - 1) return true;
    const othersAreTaken = this.ports.wallNow() - this.confirmedAt < CONFIRMING_MS;
    if (oldest.sends < SENDS_BEFORE_HOLDING || !othersAreTaken || this.ports.held.isFull)
      return false;
    this.hold(oldest);
    return true;
  }

  /** Sets the unconfirmed parcels of a dispatch aside, and forgets the rest of it. */
  private hold(flight: Flight): void {
    const parcels = flight.remaining(this.composeAgain(flight));
    const messages = messagesFrom(parcels, this.sender);
    const held = messages.flatMap((message, i) => {
      const parcel = parcels[i];
      return parcel ? [{ number: parcel.number, regionId: parcel.regionId, message }] : [];
    });
    this.ports.held.hold(held, this.ports.together);
    this.flights.delete(flight.dispatch.number);
    this.ports.onConfirmed();
    const now = this.ports.wallNow();
    if (now - this.heldLoggedAt < HELD_LOGGED_EVERY_MS) return;
    this.heldLoggedAt = now;
    this.ports.log("warn", "parcels are set aside for regions that do not take them", {
      outbox: this.ports.outbox,
      regions: [...new Set(parcels.map(({ regionId }) => regionId))].join(" "),
    });
  }

  /** Takes the oldest batches that wait as a dispatch, stored before anything of it is sent. */
  private dispatchNext(): [Flight, readonly ParcelContents[]] {
    const { newest } = this;
    const firstSeq = (newest?.lastSeq ?? 0) + 1;
    const { lastSeq, batches } = this.ports.batches.read(
      firstSeq,
      this.ports.batches.lastSeq,
      MAX_DISPATCH_BYTES,
    );
    const composed = composeParcels(batches);
    const dispatch: Dispatch = {
      number: (newest?.number ?? 0) + 1,
      firstSeq,
      lastSeq,
      firstParcel: newest ? newest.firstParcel + newest.parcels : 1,
      parcels: composed.length,
    };
    const [oldest] = this.flights.values();
    this.ports.rows.beginDispatch(dispatch, oldest?.dispatch.number ?? dispatch.number);
    this.newest = dispatch;
    return [this.track(dispatch), composed];
  }

  /** Counts a stored dispatch as in flight and due at once; one without parcels is done. */
  private track(dispatch: Dispatch): Flight {
    const flight = new Flight(dispatch);
    if (flight.isDone) this.ports.onConfirmed();
    else this.flights.set(dispatch.number, flight);
    return flight;
  }

  private composeAgain({ dispatch: { firstSeq, lastSeq } }: Flight): ParcelContents[] {
    return composeParcels(this.ports.batches.read(firstSeq, lastSeq).batches);
  }

  private get sender(): Sender {
    const { outbox, epoch } = this.ports;
    return { outbox, epoch, lowWater: this.lowWater };
  }

  /** The lowest number that is not confirmed, or the next one there will be. */
  private get lowWater(): number {
    const next = this.newest ? this.newest.firstParcel + this.newest.parcels : 1;
    const [oldest] = this.flights.values();
    return Math.min(this.ports.held.lowest, oldest?.lowest ?? next);
  }
}
