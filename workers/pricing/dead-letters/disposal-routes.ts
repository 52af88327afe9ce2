/** Redrives and purges of dead letters, one or many. */
import {
  MAX_SELECTION_BODY_BYTES,
  purgeRequestSchema,
  redriveRequestSchema,
} from "../../../contract/dead-letters.ts";
import type { Problem } from "../../../contract/problem.ts";
import { keyIdOf, unavailable } from "../admin/config-changes.ts";
import type { Call } from "../call.ts";
import type { EdgeDatabase } from "../decision-store.ts";
import type { Dependency } from "../dependency.ts";
import { checked, readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import {
  countDeadLetters,
  findDeadLetter,
  type Selection,
  type WholeLetter,
} from "./dead-letter-store.ts";
import {
  type Disposal,
  type DisposalPorts,
  type Request as DisposalRequest,
  disposeOfMany,
  disposeOfOne,
} from "./dispose.ts";
import { deadLetterFrom } from "./list-dead-letters.ts";
import { canGoBack } from "./source-queues.ts";

export interface DisposalRoutePorts extends DisposalPorts {
  /** Guards all that is asked of the database, the queues and the senders. */
  dependency: Dependency;
}

/** POST /admin/v1/dead-letters/{id}/redrive */
export function redriveDeadLetter(ports: DisposalRoutePorts): Handler {
  return async (call) => {
    const letter = await letterOf(ports, call);
    if ("type" in letter) return letter;
    if (!canGoBack(letter)) return { type: "not_redrivable" };
    const fault = await dispose(ports, () =>
      disposeOfOne(ports, requestFor(call, "redrive", { id: letter.id }), letter),
    );
    if ("type" in fault) return fault;
    const after = await letterOf(ports, call);
    return "type" in after ? after : jsonResponse(deadLetterFrom(after));
  };
}

/** POST /admin/v1/dead-letters/redrive */
export function redriveDeadLetters(ports: DisposalRoutePorts): Handler {
  return async (call) => {
    const body = await readJson(call.request, MAX_SELECTION_BODY_BYTES);
    if (!("json" in body)) return body;
    const input = checked(redriveRequestSchema, body.json);
    if ("type" in input) return input;
    const { limit, ...filter } = input.value;
    const selection = { ...filter, state: "waiting", whole: true } as const;
    const done = await dispose(ports, () =>
      disposeOfMany(ports, requestFor(call, "redrive", body.json), selection, limit),
    );
    if ("type" in done) return done;
    return answer(ports, selection, (remaining) => ({ redriven: done.affected, remaining }));
  };
}

/** DELETE /admin/v1/dead-letters/{id} */
export function purgeDeadLetter(ports: DisposalRoutePorts): Handler {
  return async (call) => {
    const letter = await letterOf(ports, call);
    if ("type" in letter) return letter;
    if (letter.purgedAt !== null) return jsonResponse({ purged: 0, remaining: 0 });
    const done = await dispose(ports, () =>
      disposeOfOne(ports, requestFor(call, "purge", { id: letter.id }), letter),
    );
    return "type" in done ? done : jsonResponse({ purged: done.affected, remaining: 0 });
  };
}

/** POST /admin/v1/dead-letters/purge */
export function purgeDeadLetters(ports: DisposalRoutePorts): Handler {
  return async (call) => {
    const body = await readJson(call.request, MAX_SELECTION_BODY_BYTES);
    if (!("json" in body)) return body;
    const input = checked(purgeRequestSchema, body.json);
    if ("type" in input) return input;
    const { limit, ...selection } = input.value;
    const done = await dispose(ports, () =>
      disposeOfMany(ports, requestFor(call, "purge", body.json), selection, limit),
    );
    if ("type" in done) return done;
    return answer(ports, selection, (remaining) => ({ purged: done.affected, remaining }));
  };
}

function requestFor(
  call: Call,
  action: DisposalRequest["action"],
  asked: unknown,
): DisposalRequest {
  return { by: keyIdOf(call), action, asked: asked as Record<string, unknown> };
}

async function letterOf(
  { dependency, database }: DisposalRoutePorts,
  call: Call,
): Promise<WholeLetter | Problem> {
  const found = await dependency.ask(() => findDeadLetter(database, call.param("id")));
  if (!found.ok) return unavailable(found);
  return found.value ?? { type: "unknown_dead_letter" };
}

async function dispose(
  { dependency }: DisposalRoutePorts,
  work: () => Promise<Disposal>,
): Promise<Disposal | Problem> {
  const done = await dependency.ask(work);
  if (!done.ok) return unavailable(done);
  const { affected, fault } = done.value;
  if (fault === null) return done.value;
  const detail = `It broke off after ${affected} of them (${fault}); ask again for the rest.`;
  return { type: "unavailable", detail, retryAfterS: 2 };
}

async function answer(
  { dependency, database }: { dependency: Dependency; database: EdgeDatabase },
  selection: Selection,
  from: (remaining: number) => object,
): Promise<Response | Problem> {
  const remaining = await dependency.ask(() => countDeadLetters(database, selection));
  return remaining.ok ? jsonResponse(from(remaining.value)) : unavailable(remaining);
}
