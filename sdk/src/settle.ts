/** Who gets what after a request: which of its events are settled, and which go again, and how. */
import type { Outcome } from "./answer.ts";
import type { Rejection } from "./options.ts";
import type { QueuedEvent } from "./waiting-events.ts";

export interface Settlement {
  accepted: QueuedEvent[];
  rejected: { event: QueuedEvent; rejection: Rejection }[];
  /** Over their own limit: each waits by itself. */
  delayed: QueuedEvent[];
  /** To be sent again, each part as a request of its own. */
  parts: QueuedEvent[][];
}

/** After a 202. */
export function settleAccepted(
  batch: readonly QueuedEvent[],
  { rejected }: Extract<Outcome, { kind: "accepted" }>,
): Settlement {
  const settlement: Settlement = { accepted: [], rejected: [], delayed: [], parts: [] };
  const byIndex = new Map(rejected.map((entry) => [entry.index, entry]));
  for (const [index, event] of batch.entries()) {
    const entry = byIndex.get(index);
    if (!entry) {
      settlement.accepted.push(event);
    } else if (entry.type === "rate_limited") {
      settlement.delayed.push(event);
    } else {
      const { index: _, ...rejection } = entry;
      settlement.rejected.push({ event, rejection });
    }
  }
  return settlement;
}

/**
 * After a body that was refused as a whole. Events whose fields the answer names are at fault; without such the body is
 * halved until the one that is stands alone.
 */
export function settleRefused(
  batch: readonly QueuedEvent[],
  { type, detail, errors }: Extract<Outcome, { kind: "refused" }>,
): Settlement {
  const settlement: Settlement = { accepted: [], rejected: [], delayed: [], parts: [] };
  const [only] = batch;
  if (only && batch.length === 1) {
    const rejection = { type, detail, ...(errors.length === 0 ? {} : { errors }) };
    settlement.rejected.push({ event: only, rejection });
    return settlement;
  }
  const faults = type === "invalid_events" ? faultsByIndex(errors) : new Map();
  const others: QueuedEvent[] = [];
  for (const [index, event] of batch.entries()) {
    const fields = faults.get(index);
    if (!fields) others.push(event);
    else {
      const rejection = { type: "invalid_event", detail: fields[0].detail, errors: fields };
      settlement.rejected.push({ event, rejection });
    }
  }
  if (settlement.rejected.length > 0) settlement.parts.push(others);
  else {
    const middle = batch.length >> 1;
    settlement.parts.push(batch.slice(0, middle), batch.slice(middle));
  }
  return settlement;
}

/** Errors with a path like `events[3].quantity`, by index; a path that names no field says nothing final of its event. */
function faultsByIndex(errors: readonly { path: string; detail: string }[]) {
  const faults = new Map<number, { path: string; detail: string }[]>();
  for (const { path, detail } of errors) {
    const [, index, field] = /^events\[(\d+)\]\.(.+)$/.exec(path) ?? [];
    if (index === undefined || field === undefined) continue;
    const fields = faults.get(Number(index)) ?? [];
    fields.push({ path: field, detail });
    faults.set(Number(index), fields);
  }
  return faults;
}
