/**
 * Who is told a price of an experiment: each user once an isolate and experiment, sent to the queue beside the requests.
 *
 * What was told already is remembered in a table of a fixed size; a user who was pushed out of it, or comes to another isolate, is
 * sent again, and D1 keeps the first.
 */
import { type ExposureRecord, exposureMessage } from "../../../contract/exposures.ts";
import type { Metrics } from "../../../contract/metrics.ts";
import { hashText } from "../../../contract/readable-events.ts";
import type { UserHash } from "../../../domain/assignment.ts";
import type { DecisionKey } from "../../../domain/decision.ts";
import type { EpochMs } from "../../../domain/units.ts";
import { createRecordOutlet, type OutletPorts } from "../record-outlet.ts";
import type { Given } from "./board.ts";

/** A place for the user's hash and the number of the experiment: two megabytes of numbers. */
const PLACES = 131_072;
const COLUMNS = 3;

export class ToldUsers {
  private readonly entries = new Uint32Array(PLACES * COLUMNS);

  /** True the first time; `experiment` is a number of the isolate's own, from 1. */
  isNew({ high, low }: UserHash, experiment: number): boolean {
    const { entries } = this;
    const at = ((low ^ Math.imul(experiment, 0x9e3779b1)) & (PLACES - 1)) * COLUMNS;
    if (entries[at] === high && entries[at + 1] === low && entries[at + 2] === experiment) {
      return false;
    }
    entries[at] = high;
    entries[at + 1] = low;
    entries[at + 2] = experiment;
    return true;
  }
}

export interface ExposureLog {
  /** Takes note of who is told a price of which variant; what is begun goes on after the answer, null when nothing is. */
  note(
    given: Given,
    place: Pick<DecisionKey, "regionId" | "productType">,
    decisionId: string,
    exposedAt: EpochMs,
    now: EpochMs,
  ): Promise<void> | null;
}

/** A queue takes 128 KB a message; a record is about 400 bytes, and 2 KB where a request says much of itself. */
const MAX_PER_MESSAGE = 50;

export function createExposureLog(ports: OutletPorts & { metrics: Metrics }): ExposureLog {
  const { metrics } = ports;
  const told = new ToldUsers();
  const outlet = createRecordOutlet<ExposureRecord>(ports, {
    what: "exposures",
    messagesOf,
    sent: metrics.counter("pricing_exposures_logged_total", "Exposures sent to the log."),
    dropped: metrics.counter(
      "pricing_exposures_dropped_total",
      "Exposures the log never heard of, because the queue did not take them for too long.",
    ),
  });
  return {
    note({ user, variant }, { regionId, productType }, decisionId, exposedAt, now) {
      variant.assigned.value += 1;
      if (!told.isNew(user, variant.experimentNumber)) return null;
      variant.exposed.value += 1;
      return outlet.take({
        experimentId: variant.arm.id,
        userHash: hashText(user.high, user.low),
        variant: variant.arm.variant,
        ...{ regionId, productType, decisionId, exposedAt, loggedAt: now },
      });
    },
  };
}

function messagesOf(records: readonly ExposureRecord[]): string[] {
  const messages: string[] = [];
  for (let i = 0; i < records.length; i += MAX_PER_MESSAGE) {
    messages.push(exposureMessage(records.slice(i, i + MAX_PER_MESSAGE)));
  }
  return messages;
}
