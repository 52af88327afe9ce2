/**
 * Errors on the wire: RFC 9457 problem details.
 *
 * One table holds every problem there is: its type is stable, its title a sentence. What went wrong this time goes into
 * `detail`; fields that do not fit go into `errors`, each with its path.
 */
import * as z from "zod";

export const PROBLEMS = {
  malformed_json: [400, "The body is not JSON."],
  malformed_body: [400, "The body is not what its headers say it is."],
  invalid_events: [400, "No event of the body could be accepted."],
  too_many_events: [400, "The body holds more events than one request may."],
  unauthenticated: [401, "The request needs a valid key: Authorization: Bearer <key>."],
  forbidden: [403, "The key is valid but may not do this."],
  forbidden_region: [403, "The key is valid but not for this region."],
  wrong_user: [403, "The quote was made for another user."],
  not_found: [404, "There is nothing at this address."],
  unknown_region: [404, "The region is not known here."],
  unknown_product: [404, "The region does not sell this product."],
  unknown_decision: [404, "No decision has this request id."],
  not_published: [404, "Nothing of the kind was published yet."],
  unknown_rules: [404, "No rules of this version are known."],
  unknown_model: [404, "No model of this version is registered."],
  unknown_key: [404, "No managed key has this id."],
  unknown_dead_letter: [404, "No dead letter has this id."],
  unknown_change: [404, "No change has this id."],
  unknown_experiment: [404, "No experiment has this id."],
  unknown_segment: [404, "The log has no such segment, or no longer."],
  method_not_allowed: [405, "The address does not take this method."],
  region_is_live: [409, "The region hears events of its own, so nothing can be replayed into it."],
  key_not_in_force: [409, "The key was revoked or is past its time; make another."],
  too_many_keys: [409, "As many keys are in force as there may be; revoke some first."],
  not_redrivable: [
    409,
    "The dead letter cannot go back: its queue is not known, or only part of it was kept.",
  ],
  quote_redeemed: [409, "The quote was redeemed before, with another idempotency key."],
  idempotency_key_reused: [409, "The idempotency key was used before, for something else."],
  quote_expired: [410, "The quote is past its time."],
  version_changed: [412, "Another version came into force meanwhile."],
  body_too_large: [413, "The body is larger than this address takes."],
  unsupported_media_type: [415, "The address does not take this content type."],
  unsupported_content_coding: [415, "The address does not take this content encoding."],
  invalid_request: [422, "The request does not fit its schema."],
  invalid_rules: [422, "The rules cannot be used."],
  invalid_emergency: [422, "The emergency measures cannot be used."],
  invalid_experiments: [422, "The experiments cannot be used."],
  invalid_model: [422, "The model cannot be used."],
  invalid_quote: [422, "The quote is none that was signed here, or was changed."],
  rate_limited: [429, "More requests than a limit allows; Retry-After says when to come again."],
  overloaded: [429, "The service is catching up; send again later."],
  internal: [500, "Something failed here; the trace id finds it in the log."],
  unavailable: [503, "A part this needs does not answer; send again later."],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemType = keyof typeof PROBLEMS;

/** A field that does not fit, by path: `events[3].quantity`. */
export interface FieldError {
  path: string;
  detail: string;
}

export interface Problem {
  type: ProblemType;
  detail?: string;
  errors?: FieldError[];
  /** Seconds after which a retry makes sense; sent as Retry-After. */
  retryAfterS?: number;
  /** When a quote was redeemed, as the wire writes it. */
  redeemedAt?: string;
}

/** Where a problem's type leads: the page that explains it. */
export const PROBLEMS_PATH = "/docs/problems";

/** A problem on the wire. */
export const problemSchema = z.object({
  /** `/docs/problems#` and the type's name. */
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), detail: z.string() })).optional(),
  redeemed_at: z.string().optional(),
  trace_id: z.string(),
});

/** The JSON of a problem. */
export function problemBody(problem: Problem, traceId: string): z.infer<typeof problemSchema> {
  const [status, title] = PROBLEMS[problem.type];
  return {
    type: `${PROBLEMS_PATH}#${problem.type}`,
    title,
    status,
    ...(problem.detail === undefined ? {} : { detail: problem.detail }),
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    ...(problem.redeemedAt === undefined ? {} : { redeemed_at: problem.redeemedAt }),
    trace_id: traceId,
  };
}

/** The response a problem becomes. */
export function problemResponse(problem: Problem, traceId: string): Response {
  const body = problemBody(problem, traceId);
  const { status } = body;
  const headers = new Headers({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  if (status === 401) headers.set("www-authenticate", "Bearer");
  if (problem.retryAfterS !== undefined) headers.set("retry-after", String(problem.retryAfterS));
  return new Response(JSON.stringify(body), { status, headers });
}

const MAX_FIELD_ERRORS = 50;

/** Each issue of a failed parse as a field error, at most 50. `root` names the value that was parsed. */
export function fieldErrorsFrom(error: z.ZodError, root = ""): FieldError[] {
  const errors = error.issues.slice(0, MAX_FIELD_ERRORS).flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") {
      return [{ path: pathText(issue.path, root), detail: detailOf(issue) }];
    }
    return issue.keys.slice(0, MAX_FIELD_ERRORS).map((key) => ({
      path: pathText([...issue.path, key], root),
      detail: "There is no such field.",
    }));
  });
  return errors.slice(0, MAX_FIELD_ERRORS);
}

function detailOf(issue: z.core.$ZodIssue): string {
  const isMissing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return isMissing ? `Required: ${issue.expected}.` : issue.message;
}

/** `["events", 3, "quantity"]` as `events[3].quantity`. */
function pathText(path: readonly PropertyKey[], root: string): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? String(part) : `${text}.${String(part)}`;
  }, root);
}
