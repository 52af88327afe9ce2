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
import { consoleLog } from "../../contract/log.ts";
import { checkLogRecords } from "../../contract/log-records.ts";
import type {
  OutboxIntakeRpc,
  OutboxRpc,
  OutboxStatus,
  OutboxStatusRpc,
} from "../../contract/rpc.ts";
import { ALL_SLICES } from "../../domain/slices.ts";
import { CountedSql } from "./counted-sql.ts";
import { EventLogWriter, type SegmentStore } from "./event-log-writer.ts";
import { GroupCommit } from "./group-commit.ts";
import { HeldParcels } from "./held-parcels.ts";
import { outboxStatus } from "./outbox-status.ts";
import { OutboxStore } from "./outbox-store.ts";
import { ParcelDispatcher } from "./parcel-dispatcher.ts";
import type { ParcelQueue } from "./send-parcels.ts";
import { StoredBatches } from "./stored-batches.ts";
import { StoredSince } from "./stored-since.ts";

/** Under load, requests that come within this time share one row and one flush to disk. */
const COMMIT_PACE_MS = 8;
const MAX_ROW_BYTES = 1024 * 1024;
/** Longer means fewer messages and fewer rows in the regions, later windows. */
const DISPATCH_AFTER_MS = 250;
/** How often it is seen to what is to be sent again and to the event log. Each alarm set is a row written. */
const ALARM_AFTER_MS = 2_500;
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
  private readonly name: string;
  private readonly sql: CountedSql;
  private readonly batches: StoredBatches;
  private readonly since = new StoredSince();
  private readonly epoch: number;
  private readonly held: HeldParcels;
  private readonly eventLog: EventLogWriter;
  private readonly dispatcher: ParcelDispatcher;
  private readonly commits: GroupCommit;
  private dispatchTimer: ReturnType<typeof setTimeout> | null = null;
  private alarmIsSet = false;
  /** Calls and alarms so far. */
  private calls = 0;

  constructor(state: DurableObjectState, env: IngestEnv, seams: OutboxSeams) {
    super(state, env);
    const { queue, segments, segmentAfterMs, wallNow, newEpoch } = seams;
    const log = consoleLog("ingest", wallNow);
    const outbox = state.id.name ?? state.id.toString();
    const sql = new CountedSql(state.storage.sql);
    const batches = new StoredBatches(sql);
    const rows = new OutboxStore(sql);
    const held = new HeldParcels(sql);
    const contents = rows.load(newEpoch(), batches);
    const { epoch } = contents;
    this.seams = seams;
    this.name = outbox;
    this.sql = sql;
    this.batches = batches;
    this.held = held;
    this.epoch = epoch;
    this.since.note(batches.forgottenSeq + 1, wallNow());
    const flush = () => state.storage.sync();
    this.commits = new GroupCommit({
      write: (bytes) => this.store(bytes),
      ...{ flush, wallNow, paceMs: COMMIT_PACE_MS, maxBytes: MAX_ROW_BYTES },
    });
    const shared = { rows, batches, wallNow, log };
    this.dispatcher = new ParcelDispatcher(
      {
        ...{ ...shared, outbox, epoch, held, queue, flush },
        together: (work) => state.storage.transactionSync(work),
        onConfirmed: () => this.forget(),
      },
      contents,
    );
    this.eventLog = new EventLogWriter(
      {
        ...{ ...shared, writer: `${outbox}-${epoch}`, segments, segmentAfterMs, flush },
        onWritten: () => this.forget(),
      },
      contents,
    );
    if (!this.isEmpty) this.scheduleDispatch(0);
  }

  async append(records: Uint8Array): Promise<"stored" | "full"> {
    this.calls++;
    // What cannot be read back must not come in: it would be in the way of all that is stored after it.
    checkLogRecords(records);
    const kept = this.batches.bytes + this.held.bytes + this.commits.pendingBytes;
    if (kept + records.byteLength > this.seams.maxStoredBytes) return "full";
    await this.commits.add(records);
    await this.ensureAlarm();
    return "stored";
  }

  async confirm(epoch: number, parcels: number[], slices = ALL_SLICES): Promise<void> {
    this.calls++;
    if (epoch !== this.epoch) return;
    this.dispatcher.confirm(parcels, slices);
    if (this.dispatcher.hasMore) this.scheduleDispatch(DISPATCH_AFTER_MS);
  }

  async status(): Promise<OutboxStatus> {
    const { name: outbox, epoch, batches, eventLog, held, since, sql, seams, calls } = this;
    const { inFlight: dispatches, queueUnits } = this.dispatcher;
    const { rowsWritten } = sql;
    return outboxStatus(
      {
        ...{ outbox, epoch, batches, eventLog, held, since },
        ...{ dispatches, rowsWritten, calls, queueUnits },
      },
      seams.wallNow(),
    );
  }

  override async alarm(): Promise<void> {
    this.calls++;
    this.alarmIsSet = false;
    // No other alarm rings before this one is done, so a store that is silent would hold up what goes to the queue.
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, ALARM_AFTER_MS);
    try {
      const work = Promise.all([this.dispatcher.work(), this.eventLog.work()]);
      this.ctx.waitUntil(work);
      await Promise.race([work, late.promise]);
      this.batches.tidy();
    } finally {
      clearTimeout(timer);
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

  private async ensureAlarm(): Promise<void> {
    if (this.alarmIsSet) return;
    this.alarmIsSet = true;
    this.sql.rowsWritten++;
    const now = this.seams.wallNow();
    const segmentDueAt = Math.max(now, this.eventLog.dueAt);
    try {
      await this.ctx.storage.setAlarm(Math.min(now + ALARM_AFTER_MS, segmentDueAt));
    } catch (error) {
      this.alarmIsSet = false;
      throw error;
    }
  }

  private scheduleDispatch(afterMs: number): void {
    this.dispatchTimer ??= setTimeout(() => {
      this.dispatchTimer = null;
      // The alarm of an earlier life may be gone: the platform drops one that failed too often.
      if (!this.isEmpty) this.ctx.waitUntil(this.ensureAlarm());
      // Work that is under way may have looked before what is to be sent now came.
      if (this.dispatcher.isWorking) this.scheduleDispatch(DISPATCH_AFTER_MS);
      else this.ctx.waitUntil(this.dispatcher.work());
    }, afterMs);
  }

  /** Forgets batches that the regions and the event log have. */
  private forget(): void {
    const { confirmedSeq } = this.dispatcher;
    this.batches.forgetThrough(Math.min(confirmedSeq, this.eventLog.writtenSeq));
    this.since.forgetThrough(this.batches.forgottenSeq);
  }
}
