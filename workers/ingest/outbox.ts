/**
 * Keeps accepted events until the regions have them and the event log has them.
 *
 * A batch is durable before its request is answered. A quarter of a second later, all that came is composed into numbered
 * parcels, one or more a region, and sent to the queue; the aggregator confirms what its regions have stored, and what is not
 * confirmed in time is sent again. So a message may come twice and none is lost: regions drop parcels they know. Beside that the
 * batches leave for the event log, and are forgotten when both are done with them.
 *
 * State is in SQLite, and memory is only its reflection: an object that was evicted or killed finds in its rows which parcels
 * were out, and sends all of those again. What cannot wait is begun by a timer; the alarm is there for what can, and for the object
 * that lost its timers, so it is set, always, while anything is stored.
 */
import { DurableObject } from "cloudflare:workers";
import { consoleLog, type Log, messageOf } from "../../contract/log.ts";
import { checkLogRecords } from "../../contract/log-records.ts";
import type {
  OutboxIntakeRpc,
  OutboxRpc,
  OutboxStatus,
  OutboxStatusRpc,
} from "../../contract/rpc.ts";
import { ALL_SLICES } from "../../domain/slices.ts";
import { composeParcels, type ParcelContents } from "./compose-parcels.ts";
import { CountedSql } from "./counted-sql.ts";
import { EventLogWriter, type SegmentStore } from "./event-log-writer.ts";
import { Flight } from "./flight.ts";
import { GroupCommit } from "./group-commit.ts";
import { HeldParcels } from "./held-parcels.ts";
import { outboxStatus } from "./outbox-status.ts";
import { DISPATCH_SLOTS, type Dispatch, OutboxStore } from "./outbox-store.ts";
import { messagesFrom, type ParcelQueue, type Sender, sendMessages } from "./send-parcels.ts";
import { StoredBatches } from "./stored-batches.ts";
import { StoredSince } from "./stored-since.ts";

/** Under load, requests that come within this time share one row and one flush to disk. */
const COMMIT_PACE_MS = 8;
const MAX_ROW_BYTES = 1024 * 1024;
/** Longer means fewer messages and fewer rows in the regions, later windows. */
const DISPATCH_AFTER_MS = 250;
/** So much is in memory at a time on its way to the queue, and some more. */
const MAX_DISPATCH_BYTES = 2 * 1024 * 1024;
/** Dispatches that may be unconfirmed at a time; what else is stored waits for its turn. */
const MAX_IN_FLIGHT = 64;
/** How often it is seen to what is to be sent again and to the event log. Each alarm set is a row written. */
const ALARM_AFTER_MS = 2_500;
/** A dispatch that was sent so often while others were confirmed waits for a region that does not take its parcels. */
const SENDS_BEFORE_HOLDING = 3;
/** Regions take parcels as long as one was confirmed within this. */
const CONFIRMING_MS = 10_000;
const HELD_LOGGED_EVERY_MS = 60_000;

/** What the object takes from outside, beside its storage. */
export interface OutboxSeams {
  queue: ParcelQueue;
  segments: SegmentStore;
  segmentAfterMs: number;
  /** What is appended beyond it is refused. */
  maxStoredBytes: number;
  wallNow(): number;
  /** An integer of 32 bits. */
  newEpoch(): number;
}

export class OutboxObject
  extends DurableObject<IngestEnv>
  implements OutboxRpc, OutboxIntakeRpc, OutboxStatusRpc
{
  private readonly seams: OutboxSeams;
  private readonly log: Log;
  private readonly name: string;
  private readonly sql: CountedSql;
  private readonly rows: OutboxStore;
  private readonly batches: StoredBatches;
  private readonly since = new StoredSince();
  private readonly epoch: number;
  private readonly held: HeldParcels;
  private readonly eventLog: EventLogWriter;
  /** By number of the dispatch, oldest first. */
  private readonly flights = new Map<number, Flight>();
  private readonly commits: GroupCommit;
  private newest: Dispatch | null;
  private dispatchTimer: ReturnType<typeof setTimeout> | null = null;
  private working: Promise<void> | null = null;
  private alarmIsSet = false;
  private confirmedAt = Number.NEGATIVE_INFINITY;
  private heldLoggedAt = Number.NEGATIVE_INFINITY;

  constructor(state: DurableObjectState, env: IngestEnv, seams: OutboxSeams) {
    super(state, env);
    const { segments, segmentAfterMs, wallNow, newEpoch } = seams;
    this.seams = seams;
    this.log = consoleLog("ingest", wallNow);
    this.name = state.id.name ?? state.id.toString();
    this.sql = new CountedSql(state.storage.sql);
    this.batches = new StoredBatches(this.sql);
    this.rows = new OutboxStore(this.sql);
    this.held = new HeldParcels(this.sql);
    const contents = this.rows.load(newEpoch(), this.batches);
    const { epoch, newest, pending } = contents;
    this.epoch = epoch;
    this.newest = newest;
    for (const dispatch of pending) this.flights.set(dispatch.number, new Flight(dispatch));
    this.since.note(this.batches.forgottenSeq + 1, wallNow());
    const flush = () => state.storage.sync();
    this.commits = new GroupCommit({
      write: (bytes) => this.store(bytes),
      ...{ flush, wallNow, paceMs: COMMIT_PACE_MS, maxBytes: MAX_ROW_BYTES },
    });
    this.eventLog = new EventLogWriter(
      {
        writer: `${this.name}-${this.epoch}`,
        ...{ rows: this.rows, batches: this.batches, segments, segmentAfterMs, flush, wallNow },
        onWritten: () => this.forget(),
        log: this.log,
      },
      contents,
    );
    if (!this.isEmpty) this.scheduleDispatch(0);
  }

  async append(records: Uint8Array): Promise<"stored" | "full"> {
    // What cannot be read back must not come in: it would be in the way of all that is stored after it.
    checkLogRecords(records);
    const kept = this.batches.bytes + this.held.bytes + this.commits.pendingBytes;
    if (kept + records.byteLength > this.seams.maxStoredBytes) return "full";
    await this.commits.add(records);
    await this.ensureAlarm();
    return "stored";
  }

  async confirm(epoch: number, parcels: number[], slices = ALL_SLICES): Promise<void> {
    if (epoch !== this.epoch) return;
    this.confirmedAt = this.seams.wallNow();
    this.held.confirm(parcels, slices);
    for (const flight of this.flights.values()) {
      flight.confirm(parcels, slices);
      if (flight.isDone) this.flights.delete(flight.dispatch.number);
    }
    this.forget();
    if (this.hasMore) this.scheduleDispatch(DISPATCH_AFTER_MS);
  }

  async status(): Promise<OutboxStatus> {
    const { name: outbox, epoch, batches, eventLog, flights, held, since, sql, seams } = this;
    const { rowsWritten } = sql;
    return outboxStatus(
      { outbox, epoch, batches, eventLog, held, since, rowsWritten, dispatches: flights.size },
      seams.wallNow(),
    );
  }

  override async alarm(): Promise<void> {
    this.alarmIsSet = false;
    try {
      await Promise.all([this.work(), this.eventLog.work()]);
      this.batches.tidy();
    } finally {
      if (!this.isEmpty) await this.ensureAlarm();
    }
  }

  private store(bytes: Uint8Array): void {
    this.batches.append(bytes);
    this.since.note(this.batches.lastSeq, this.seams.wallNow());
    this.scheduleDispatch(DISPATCH_AFTER_MS);
    this.eventLog.appended(bytes.byteLength);
    if (this.eventLog.isPressing) this.ctx.waitUntil(this.eventLog.work());
  }

  private get isEmpty(): boolean {
    return this.batches.bytes === 0 && this.held.bytes === 0;
  }

  private get hasWaiting(): boolean {
    return this.batches.lastSeq > (this.newest?.lastSeq ?? 0);
  }

  /** True when there is something to send now that was kept back. */
  private get hasMore(): boolean {
    return this.hasWaiting || this.held.dueAt <= this.seams.wallNow();
  }

  private async ensureAlarm(): Promise<void> {
    if (this.alarmIsSet) return;
    this.alarmIsSet = true;
    this.sql.rowsWritten++;
    const now = this.seams.wallNow();
    const segmentDueAt = Math.max(now, this.eventLog.dueAt);
    await this.ctx.storage.setAlarm(Math.min(now + ALARM_AFTER_MS, segmentDueAt));
  }

  private scheduleDispatch(afterMs: number): void {
    this.dispatchTimer ??= setTimeout(() => {
      this.ctx.waitUntil(this.work());
    }, afterMs);
  }

  /** Forgets batches that the regions and the event log have. */
  private forget(): void {
    const [oldest] = this.flights.values();
    const dispatched = this.newest?.lastSeq ?? this.batches.forgottenSeq;
    const confirmed = oldest ? oldest.dispatch.firstSeq - 1 : dispatched;
    this.batches.forgetThrough(Math.min(confirmed, this.eventLog.writtenSeq));
    this.since.forgetThrough(this.batches.forgottenSeq);
  }

  /** Sends what waits, and again what was not confirmed in time. Never rejects: what fails is due again later. */
  private work(): Promise<void> {
    this.working ??= this.send().finally(() => {
      this.working = null;
    });
    return this.working;
  }

  /** One dispatch after the other, so that no more than one is in memory. */
  private async send(): Promise<void> {
    if (this.dispatchTimer) clearTimeout(this.dispatchTimer);
    this.dispatchTimer = null;
    const now = this.seams.wallNow();
    try {
      await this.sendMessages(this.held.takeDue(now, this.lowWater, MAX_DISPATCH_BYTES));
      for (const flight of this.flights.values()) {
        if (flight.dueAt > now) continue;
        flight.sent(now);
        await this.sendMessages(this.messagesOf(flight, this.composeAgain(flight)));
      }
      while (this.hasWaiting && this.hasRoom()) {
        const [flight, parcels] = this.dispatchNext();
        flight.sent(now);
        await this.sendMessages(this.messagesOf(flight, parcels));
      }
    } catch (error) {
      this.log("error", "parcels could not be sent", {
        outbox: this.name,
        error: messageOf(error),
      });
    }
  }

  private sendMessages(messages: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    return sendMessages(this.seams.queue, messages);
  }

  /** True when another dispatch may be in flight; one that waits for a broken region is taken out for it. */
  private hasRoom(): boolean {
    const [oldest] = this.flights.values();
    if (!oldest) return true;
    const behind = (this.newest?.number ?? 0) - oldest.dispatch.number;
    if (this.flights.size < MAX_IN_FLIGHT && behind < DISPATCH_SLOTS - 1) return true;
    const othersAreTaken = this.seams.wallNow() - this.confirmedAt < CONFIRMING_MS;
    if (oldest.sends < SENDS_BEFORE_HOLDING || !othersAreTaken || this.held.isFull) return false;
    this.hold(oldest);
    return true;
  }

  /** Sets the unconfirmed parcels of a dispatch aside, and forgets the rest of it. */
  private hold(flight: Flight): void {
    const parcels = flight.remaining(this.composeAgain(flight));
    this.ctx.storage.transactionSync(() => {
      for (const [i, message] of messagesFrom(parcels, this.sender).entries()) {
        const parcel = parcels[i];
        if (parcel) this.held.hold(parcel.number, parcel.regionId, message);
      }
    });
    this.flights.delete(flight.dispatch.number);
    this.forget();
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
    const { lastSeq, batches } = this.batches.read(
      firstSeq,
      this.batches.lastSeq,
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
    this.rows.beginDispatch(dispatch, oldest?.dispatch.number ?? dispatch.number);
    this.newest = dispatch;
    return [this.track(dispatch), composed];
  }

  /** Counts a stored dispatch as in flight and due at once; one without parcels is done. */
  private track(dispatch: Dispatch): Flight {
    const flight = new Flight(dispatch);
    if (flight.isDone) this.forget();
    else this.flights.set(dispatch.number, flight);
    return flight;
  }

  private messagesOf(flight: Flight, composed: readonly ParcelContents[]) {
    return messagesFrom(flight.remaining(composed), this.sender);
  }

  private composeAgain({ dispatch: { firstSeq, lastSeq } }: Flight): ParcelContents[] {
    return composeParcels(this.batches.read(firstSeq, lastSeq).batches);
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
