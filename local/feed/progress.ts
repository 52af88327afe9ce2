import type { Logger } from "pino";
import type { EpochMs } from "../../domain/units.ts";
import type { FeedNote } from "./play.ts";

/** Counts what the feed did and tells the log now and then, not at every batch. */
export class FeedProgress {
  private readonly log: Logger;
  private sent = 0;
  private accepted = 0;
  private rejected = 0;
  private retries = 0;
  private lagMs = 0;
  private firstRejection: string | null = null;
  private lastFailure: string | null = null;

  constructor(log: Logger) {
    this.log = log;
  }

  note(note: FeedNote): void {
    if (note.kind === "retry") {
      this.retries += 1;
      this.lastFailure = note.reason;
      return;
    }
    this.sent += note.sent;
    this.accepted += note.answer.accepted;
    this.rejected += note.answer.rejected.length;
    this.lagMs = note.lagMs;
    const [first] = note.answer.rejected;
    if (first !== undefined) this.firstRejection ??= `${first.type}: ${first.detail}`;
  }

  /** One line on what happened since the last report; a warning where something went wrong. */
  report(eventNow: EpochMs): void {
    const fields = {
      event_time: new Date(eventNow).toISOString(),
      sent: this.sent,
      accepted: this.accepted,
      rejected: this.rejected,
      retries: this.retries,
      lag_ms: this.lagMs,
    };
    if (this.rejected > 0 || this.retries > 0) {
      const { firstRejection, lastFailure } = this;
      this.log.warn(
        { ...fields, first_rejection: firstRejection, last_failure: lastFailure },
        TEXT,
      );
    } else {
      this.log.info(fields, TEXT);
    }
    this.sent = 0;
    this.accepted = 0;
    this.rejected = 0;
    this.retries = 0;
    this.firstRejection = null;
    this.lastFailure = null;
  }
}

const TEXT = "feed played";
