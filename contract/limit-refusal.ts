import type { Lease } from "./limit-lease.ts";
import type { PolicyKind, RequestLimit } from "./limit-policy.ts";

/** Which policy keeps something out, and when to come again. */
export interface LimitRefusal {
  kind: PolicyKind;
  limit: RequestLimit;
  retryAfterS: number;
  /** Seconds until the bucket is full, if nothing is taken meanwhile. */
  resetS: number;
}

/** `unknown` when the ledger has to be asked. */
export type Verdict = LimitRefusal | "allowed" | "unknown";

/** The refusal of a lease that has nothing to give. */
export function refusalOf({ policy, fillS }: Lease, retryAfterS: number): LimitRefusal {
  const { kind, limit } = policy;
  return { kind, limit, retryAfterS, resetS: Math.max(fillS, retryAfterS) };
}
