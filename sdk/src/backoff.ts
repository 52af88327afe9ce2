export interface BackoffRules {
  /** The longest wait after the first failure. */
  baseMs: number;
  /** The longest wait after any number of failures. */
  capMs: number;
}

/** No Retry-After is obeyed for longer than this. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * How long to wait after `failures` (from 1) in a row: exponential with full jitter, so that clients that failed together
 * do not come back together. A Retry-After is waited out first, and the jitter comes on top of it.
 */
export function backoffMs(
  failures: number,
  retryAfterMs: number | null,
  rules: BackoffRules,
  random: () => number,
): number {
  const ceilingMs = Math.min(rules.capMs, rules.baseMs * 2 ** (failures - 1));
  const heldMs = Math.min(MAX_RETRY_AFTER_MS, Math.max(0, retryAfterMs ?? 0));
  return heldMs + Math.floor(random() * ceilingMs);
}

/** A Retry-After header, seconds or a date, as milliseconds from now; null when there is none or it says nothing. */
export function parseRetryAfter(header: string | null, now: number): number | null {
  if (header === null) return null;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
