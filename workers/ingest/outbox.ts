/**
 * Keeps accepted events until the regions have them.
 *
 * A batch is durable before its request is answered. A quarter of a second later, all that came is composed into numbered
 * parcels, one or more a region, and sent to the queue; the aggregator confirms what its regions have stored, and what is not
 * confirmed in time is sent again. So a message may come twice and none is lost: regions drop parcels they know.
 *
 * State is in SQLite, and memory is only its reflection: an object that was evicted or killed finds in its rows which parcels
 * were out, and sends all of those again. Dispatches are made by a timer; the alarm is there for the object that lost its
 * timers, so it is set, always, while anything is stored.
 */
import { DurableObject } from "cloudflare:workers";
import { consoleLog, type Log, messageOf } from "../../contract/log.ts";
import type { OutboxIntakeRpc, OutboxRpc } from "../../contract/rpc.ts";
import { composeParcels, type ParcelContents } from "./compose-parcels.ts";
import { Flight } from "./flight.ts";
import { GroupCommit } from "./group-commit.ts";
import { HeldParcels } from "./held-parcels.ts";
import { DISPATCH_SLOTS, type Dispatch, OutboxStore } from "./outbox-store.ts";
import { messagesFrom, type ParcelQueue, type Sender, sendMessages } from "./send-parcels.ts";

/** Requests that come within this time share one row and one flush to disk. */
const COMMIT_AFTER_MS = 2;
const MAX_ROW_BYTES = 1024 * 1024;
/** Longer means fewer messages and fewer rows in the regions, later windows. */
const DISPATCH_AFTER_MS = 250;
const MAX_DISPATCH_BYTES = 2 * 1024 * 1024;
/** Dispatches that may be unconfirmed at a time; what else is stored waits for its turn. */
const MAX_IN_FLIGHT = 64;
const MAX_STORED_BYTES = 512 * 1024 * 1024;
const ALARM_AFTER_MS = 2_000;
/** A dispatch that was sent so often while others were confirmed waits for a region that does not take its parcels. */
const SENDS_BEFORE_HOLDING = 3;
/** Regions take parcels as long as one was confirmed within this. */
const CONFIRMING_MS = 10_000;
const HELD_LOGGED_EVERY_MS = 60_000;

/** What the object takes from outside, beside its storage. */
export interface OutboxSeams {
  queue: ParcelQueue;
  wallNow(): number;
  /** An integer of 32 bits. */
  newEpoch(): number;
}

export class OutboxObject extends DurableObject<IngestEnv> implements OutboxRpc, OutboxIntakeRpc {
  private readonly seams: OutboxSeams;
  private readonly log: Log;
  private readonly name: string;
  private readonly rows: OutboxStore;
  private readonly epoch: number;
  private readonly held: HeldParcels;
  /** By number of the dispatch, oldest first. */
  private readonly flights = new Map<number, Flight>();
  private readonly commits = new GroupCommit({
    write: (bytes) => this.store(bytes),
    afterMs: COMMIT_AFTER_MS,
    maxBytes: MAX_ROW_BYTES,
  });
  /** Of all batches. */
  private storedBytes: number;
  private lastSeq: number;
  private newest: Dispatch | null;
  private dispatchTimer: ReturnType<typeof setTimeout> | null = null;
  private alarmIsSet = false;
  private confirmedAt = Number.NEGATIVE_INFINITY;
  private heldLoggedAt = Number.NEGATIVE_INFINITY;

  constructor(state: DurableObjectState, env: IngestEnv, seams: OutboxSeams) {
    super(state, env);
    this.seams = seams;
    this.log = consoleLog("ingest", seams.wallNow);
    this.name = state.id.name ?? state.id.toString();
    this.rows = new OutboxStore(state.storage.sql);
    const { epoch, storedBytes, lastSeq, pending, newest } = this.rows.load(seams.newEpoch());
    this.epoch = epoch;
    this.storedBytes = storedBytes;
    this.lastSeq = lastSeq;
    this.newest = newest;
    this.held = new HeldParcels(state.storage.sql);
    for (const dispatch of pending) this.track(dispatch);
    if (!this.isEmpty) this.scheduleDispatch(0);
  }

  async append(batch: Uint8Array): Promise<"stored" | "full"> {
    const kept = this.storedBytes + this.held.bytes + this.commits.pendingBytes;
    if (kept + batch.byteLength > MAX_STORED_BYTES) return "full";
    await this.commits.add(batch);
    await this.ensureAlarm();
    return "stored";
  }

  async confirm(epoch: number, parcels: number[]): Promise<void> {
    if (epoch !== this.epoch) return;
    this.confirmedAt = this.seams.wallNow();
    this.held.confirm(parcels);
    for (const flight of this.flights.values()) {
      flight.confirm(parcels);
      if (flight.isDone) this.finish(flight);
    }
    if (this.hasWaiting) this.scheduleDispatch(DISPATCH_AFTER_MS);
  }

  override async alarm(): Promise<void> {
    this.alarmIsSet = false;
    try {
      await this.work();
    } finally {
      if (!this.isEmpty) await this.ensureAlarm();
    }
  }

  private store(bytes: Uint8Array): void {
    this.rows.append(this.lastSeq + 1, bytes);
    this.lastSeq++;
    this.storedBytes += bytes.byteLength;
    this.scheduleDispatch(DISPATCH_AFTER_MS);
  }

  private get isEmpty(): boolean {
    return this.storedBytes === 0 && this.held.bytes === 0;
  }

  private get hasWaiting(): boolean {
    return this.lastSeq > (this.newest?.lastSeq ?? 0);
  }

  private scheduleDispatch(afterMs: number): void {
    this.dispatchTimer ??= setTimeout(() => {
      this.ctx.waitUntil(this.work());
    }, afterMs);
  }

  private async ensureAlarm(): Promise<void> {
    if (this.alarmIsSet) return;
    this.alarmIsSet = true;
    await this.ctx.storage.setAlarm(this.seams.wallNow() + ALARM_AFTER_MS);
  }

  /** Sends what waits, and again what was not confirmed in time. Never rejects: what fails is due again later. */
  private async work(): Promise<void> {
    if (this.dispatchTimer) clearTimeout(this.dispatchTimer);
    this.dispatchTimer = null;
    const composed = new Map<Flight, readonly ParcelContents[]>();
    while (this.hasWaiting && this.hasRoom()) {
      const [flight, parcels] = this.dispatchNext();
      composed.set(flight, parcels);
    }
    const now = this.seams.wallNow();
    const { lowWater } = this;
    const messages = this.held.takeDue(now, lowWater);
    for (const flight of this.flights.values()) {
      if (!flight.isDue(now)) continue;
      flight.sent(now);
      messages.push(...this.messagesOf(flight, composed.get(flight) ?? this.composeAgain(flight)));
    }
    try {
      await sendMessages(this.seams.queue, messages);
    } catch (error) {
      this.log("error", "parcels could not be sent", {
        outbox: this.name,
        error: messageOf(error),
      });
    }
  }

  /** True when another dispatch may be in flight; one that waits for a broken region is taken out for it. */
  private hasRoom(): boolean {
    const [oldest] = this.flights.values();
    if (!oldest) return true;
    const behind = (this.newest?.number ?? 0) - oldest.dispatch.number;
    if (this.flights.size < MAX_IN_FLIGHT && behind < DISPATCH_SLOTS - 1) return true;
    const othersAreTaken = this.seams.wallNow() - this.confirmedAt < CONFIRMING_MS;
    if (oldest.sends < SENDS_BEFORE_HOLDING || !othersAreTaken) return false;
    this.hold(oldest);
    return true;
  }

  /** Sets the unconfirmed parcels of a dispatch aside, and forgets the rest of it. */
  private hold(flight: Flight): void {
    const parcels = flight.remaining(this.composeAgain(flight));
    this.ctx.storage.transactionSync(() => {
      for (const [i, message] of messagesFrom(parcels, this.sender).entries()) {
        this.held.hold(parcels[i]?.number ?? 0, message);
      }
      this.finish(flight);
    });
    const now = this.seams.wallNow();
    if (now - this.heldLoggedAt < HELD_LOGGED_EVERY_MS) return;
    this.heldLoggedAt = now;
    this.log("warn", "parcels are set aside for regions that do not take them", {
      outbox: this.name,
      regions: [...new Set(parcels.map(({ regionId }) => regionId))].join(" "),
    });
  }

  /** Takes the oldest batches that wait as a dispatch, stored before anything of it is sent. */
  private dispatchNext(): [Flight, readonly ParcelContents[]] {
    const { newest } = this;
    const firstSeq = (newest?.lastSeq ?? 0) + 1;
    const batches = this.rows.read(firstSeq, this.lastSeq, MAX_DISPATCH_BYTES);
    const composed = composeParcels(batches.map(({ bytes }) => bytes));
    const dispatch: Dispatch = {
      number: (newest?.number ?? 0) + 1,
      firstSeq,
      lastSeq: batches.at(-1)?.seq ?? this.lastSeq,
      firstParcel: newest ? newest.firstParcel + newest.parcels : 1,
      parcels: composed.length,
    };
    this.rows.begin(dispatch);
    this.newest = dispatch;
    return [this.track(dispatch), composed];
  }

  /** Counts a stored dispatch as in flight and due at once. */
  private track(dispatch: Dispatch): Flight {
    const flight = new Flight(dispatch, this.rows.sizeOf(dispatch));
    this.flights.set(dispatch.number, flight);
    return flight;
  }

  private finish(flight: Flight): void {
    this.rows.finish(flight.dispatch);
    this.flights.delete(flight.dispatch.number);
    this.storedBytes -= flight.bytes;
  }

  private messagesOf(flight: Flight, composed: readonly ParcelContents[]) {
    return messagesFrom(flight.remaining(composed), this.sender);
  }

  private composeAgain({ dispatch: { firstSeq, lastSeq } }: Flight): ParcelContents[] {
    return composeParcels(this.rows.read(firstSeq, lastSeq).map(({ bytes }) => bytes));
  }

  private get sender(): Sender {
    const { name: outbox, epoch, lowWater } = this;
    return { outbox, epoch, lowWater };
  }

  /** The lowest number that is not confirmed, or the next one there will be. */
  private get lowWater(): number {
    const next = this.newest ? this.newest.firstParcel + this.newest.parcels : 1;
    const [oldest] = this.flights.values();
    return Math.min(this.held.lowest, oldest?.lowest ?? next);
  }
}
