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
import { GroupCommit } from "./group-commit.ts";
import { DISPATCH_SLOTS, type Dispatch, OutboxStore } from "./outbox-store.ts";
import { sendParcels } from "./send-parcels.ts";

/** Requests that come within this time share one row and one flush to disk. */
const COMMIT_AFTER_MS = 2;
const MAX_ROW_BYTES = 1024 * 1024;
/** Longer means fewer messages and fewer rows in the regions, later windows. */
const DISPATCH_AFTER_MS = 250;
const MAX_DISPATCH_BYTES = 2 * 1024 * 1024;
/** Dispatches that may be unconfirmed at a time; what else is stored waits for its turn. */
const MAX_IN_FLIGHT = 64;
const MAX_STORED_BYTES = 512 * 1024 * 1024;
const RESEND_AFTER_MS = 5_000;
const MAX_RESEND_AFTER_MS = 60_000;
const ALARM_AFTER_MS = 2_000;

/** A dispatch whose parcels are not all confirmed. */
interface InFlight {
  dispatch: Dispatch;
  bytes: number;
  /** Numbers of the parcels that are not. */
  unconfirmed: Set<number>;
  /** As they were composed for the first sending; composed again for later ones. */
  composed: readonly ParcelContents[] | null;
  sends: number;
  /** Wall clock; sent again then. */
  dueAt: number;
}

/** What the object takes from outside, beside its storage and queue. */
export interface OutboxSeams {
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
  private readonly inFlight = new Map<number, InFlight>();
  private readonly commits = new GroupCommit({
    write: (bytes) => this.store(bytes),
    afterMs: COMMIT_AFTER_MS,
    maxBytes: MAX_ROW_BYTES,
  });
  private storedBytes: number;
  private lastSeq: number;
  private newest: Dispatch | null;
  private dispatchTimer: ReturnType<typeof setTimeout> | null = null;
  private alarmIsSet = false;

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
    for (const dispatch of pending) this.track(dispatch, null);
    if (storedBytes > 0) this.scheduleDispatch(0);
  }

  async append(batch: Uint8Array): Promise<"stored" | "full"> {
    const held = this.storedBytes + this.commits.pendingBytes;
    if (held + batch.byteLength > MAX_STORED_BYTES) return "full";
    await this.commits.add(batch);
    await this.ensureAlarm();
    return "stored";
  }

  async confirm(epoch: number, parcels: number[]): Promise<void> {
    if (epoch !== this.epoch) return;
    for (const flight of this.inFlight.values()) {
      const { firstParcel, parcels: count } = flight.dispatch;
      for (const parcel of parcels) {
        if (parcel >= firstParcel && parcel < firstParcel + count)
          flight.unconfirmed.delete(parcel);
      }
      if (flight.unconfirmed.size > 0) continue;
      this.rows.finish(flight.dispatch);
      this.inFlight.delete(flight.dispatch.number);
      this.storedBytes -= flight.bytes;
    }
    if (this.hasWaiting) this.scheduleDispatch(DISPATCH_AFTER_MS);
  }

  override async alarm(): Promise<void> {
    this.alarmIsSet = false;
    try {
      await this.work();
    } finally {
      if (this.storedBytes > 0) await this.ensureAlarm();
    }
  }

  private store(bytes: Uint8Array): void {
    this.rows.append(this.lastSeq + 1, bytes);
    this.lastSeq++;
    this.storedBytes += bytes.byteLength;
    this.scheduleDispatch(DISPATCH_AFTER_MS);
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
    while (this.hasWaiting && this.mayDispatch) this.dispatchNext();
    const now = this.seams.wallNow();
    const due = [...this.inFlight.values()].filter(({ dueAt }) => dueAt <= now);
    await Promise.all(due.map((flight) => this.send(flight)));
  }

  private get mayDispatch(): boolean {
    const [oldest] = this.inFlight.keys();
    if (oldest === undefined) return true;
    const behind = (this.newest?.number ?? 0) - oldest;
    return this.inFlight.size < MAX_IN_FLIGHT && behind < DISPATCH_SLOTS - 1;
  }

  /** Takes the oldest batches that wait as a dispatch, stored before anything of it is sent. */
  private dispatchNext(): void {
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
    this.track(dispatch, composed);
  }

  /** Counts a stored dispatch as unconfirmed and due at once. */
  private track(dispatch: Dispatch, composed: readonly ParcelContents[] | null): void {
    const { number, firstParcel, parcels } = dispatch;
    this.inFlight.set(number, {
      dispatch,
      bytes: this.rows.sizeOf(dispatch),
      unconfirmed: new Set(Array.from({ length: parcels }, (_, i) => firstParcel + i)),
      composed,
      sends: 0,
      dueAt: 0,
    });
  }

  private async send(flight: InFlight): Promise<void> {
    const { dispatch, unconfirmed } = flight;
    const backoffMs = RESEND_AFTER_MS * 2 ** flight.sends++;
    flight.dueAt = this.seams.wallNow() + Math.min(MAX_RESEND_AFTER_MS, backoffMs);
    const composed = flight.composed ?? this.composeAgain(dispatch);
    flight.composed = null;
    const parcels = composed
      .map((contents, i) => ({ ...contents, number: dispatch.firstParcel + i }))
      .filter(({ number }) => unconfirmed.has(number));
    const { name: outbox, epoch, lowWater } = this;
    try {
      await sendParcels(this.env.EVENTS, { outbox, epoch, lowWater }, parcels);
    } catch (error) {
      this.log("error", "parcels could not be sent", { outbox, error: messageOf(error) });
    }
  }

  private composeAgain({ firstSeq, lastSeq }: Dispatch): ParcelContents[] {
    return composeParcels(this.rows.read(firstSeq, lastSeq).map(({ bytes }) => bytes));
  }

  /** The lowest number that is not confirmed, or the next one there will be. */
  private get lowWater(): number {
    for (const { unconfirmed } of this.inFlight.values()) {
      for (const lowest of unconfirmed) return lowest;
    }
    return this.newest ? this.newest.firstParcel + this.newest.parcels : 1;
  }
}
