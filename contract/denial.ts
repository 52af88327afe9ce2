/** Why somebody is not let in: one sentence for the client, one word for the log and the metrics. */
import type { Log } from "./log.ts";
import type { Counter, Metrics } from "./metrics.ts";
import type { Problem } from "./problem.ts";
import { createRateLimiter } from "./rate-limit.ts";
import { TOKEN_FAULTS } from "./token-faults.ts";

/** What can be wrong with credentials. */
export const CREDENTIAL_FAULTS = {
  no_credentials: "Send a key or a token: Authorization: Bearer <key>.",
  unknown_scheme: "The Authorization header is not `Bearer` and one key or token.",
  unknown_key: "The key is not known, or it was revoked.",
  expired_key: "The key is past its time.",
} as const;
const OF_TOKENS = {
  untrusted_issuer: "The token's issuer is none that is trusted here.",
  revoked_client: "The key that the token was given to is not in force any more.",
} as const;
/** Nothing is known to be wrong, but it cannot be checked. */
const UNCHECKED = {
  keys_unavailable: "The list of keys cannot be read just now.",
  issuer_unavailable: "The keys of the token's issuer cannot be read just now.",
} as const;
/** Who it is is known, and may not do this. */
const FORBIDDEN = {
  forbidden: "",
  forbidden_region: "",
} as const;

export type DenialReason =
  | keyof typeof CREDENTIAL_FAULTS
  | keyof typeof OF_TOKENS
  | keyof typeof UNCHECKED
  | keyof typeof FORBIDDEN
  | `token_${keyof typeof TOKEN_FAULTS}`;

export interface Denial {
  reason: DenialReason;
  /** Id of the key, or issuer of the token, as far as it is known. */
  who?: string | undefined;
}

const SENTENCES = {
  ...CREDENTIAL_FAULTS,
  ...OF_TOKENS,
  ...UNCHECKED,
  ...FORBIDDEN,
  ...Object.fromEntries(
    Object.entries(TOKEN_FAULTS).map(([reason, detail]) => [
      `token_${reason}`,
      `The token cannot be used. ${detail}`,
    ]),
  ),
} as Record<DenialReason, string>;

/** What the client hears. */
export function problemOfDenial({ reason }: Denial): Problem {
  const detail = SENTENCES[reason];
  if (reason in UNCHECKED) return { type: "unavailable", detail, retryAfterS: 2 };
  return { type: "unauthenticated", detail };
}

/** `WWW-Authenticate` as RFC 6750 has it; null where the answer is no 401. */
export function challengeOf({ reason }: Denial): string | null {
  if (reason === "no_credentials") return "Bearer";
  if (reason in UNCHECKED) return null;
  const description = SENTENCES[reason].replaceAll(/[`"\\]/g, "'");
  return `Bearer error="invalid_token", error_description="${description}"`;
}

/** Lines a minute that one isolate writes: whoever knocks without end must not fill the log. Metrics count them all. */
const LOGGED = { requestsPerMinute: 600, burst: 100 };

/** Counts and logs who was not let in. Never what they sent. */
export class DenialLog {
  private readonly counters = new Map<DenialReason, Counter>();
  private readonly take = createRateLimiter();
  private readonly options: { log: Log; metrics: Metrics; wallNow: () => number };

  constructor(options: { log: Log; metrics: Metrics; wallNow: () => number }) {
    this.options = options;
  }

  note({ reason, who }: Denial, traceId: string): void {
    const { log, metrics, wallNow } = this.options;
    let counter = this.counters.get(reason);
    if (!counter) {
      const help = "Requests that were not let in, by why.";
      counter = metrics.counter("access_denied_total", help, { reason });
      this.counters.set(reason, counter);
    }
    counter.value++;
    // Nothing was tried: browsers and scanners do this all day.
    if (reason === "no_credentials") return;
    if (!this.take("", LOGGED, wallNow()).allowed) return;
    log("warn", "access denied", { reason, who: who ?? null, traceId });
  }
}
