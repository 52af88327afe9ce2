/** The limits of the events of one request. */
import { limited, limitProblem, type Refusal } from "../../../contract/admit.ts";
import type { EventRejection } from "../../../contract/events.ts";
import type { Background } from "../../../contract/limit-desk.ts";
import type { LimitSession } from "../../../contract/limit-session.ts";
import type { DemandEvent } from "../../../domain/event.ts";

/** Whom an event costs a token. */
export type ChargedEvent = Pick<DemandEvent, "userHigh" | "userLow" | "regionId">;

/**
 * Takes the tokens of events as they are checked. Users are known here by their hash alone; an event without one costs its
 * region and its address only.
 */
export class EventLimits {
  private readonly session: LimitSession | null;
  private readonly background: Background;

  /** A key without limits for single events has no session. */
  constructor(session: LimitSession | null, background: Background) {
    this.session = session;
    this.background = background;
  }

  /** The limit that keeps an event out, or null. */
  readonly refuse = (event: ChargedEvent): EventRejection | null => {
    if (this.session === null) return null;
    const refusal = this.session.take(userOf(event), event.regionId);
    if (refusal === null) return null;
    return { type: "rate_limited", detail: limitProblem(refusal).detail ?? "" };
  };

  /** True when the ledger has to be asked before the verdicts on these events count: `provide`, then check them all again. */
  get isShort(): boolean {
    return this.session?.isShort ?? false;
  }

  async provide(): Promise<void> {
    await this.session?.provide(this.background);
  }

  /** Gives back what events have cost so far: they are checked again, or not taken after all. */
  undo(): void {
    this.session?.undo();
  }

  /** The answer to a request of which nothing was accepted because of a limit; null when there is none to blame. */
  finish(accepted: number): Refusal | null {
    if (this.session === null) return null;
    this.session.finish(this.background);
    const { refusal } = this.session;
    return accepted === 0 && refusal !== null ? limited(refusal) : null;
  }
}

function userOf({ userHigh, userLow }: ChargedEvent): string | undefined {
  return userHigh === 0 && userLow === 0 ? undefined : `${userHigh}.${userLow}`;
}
