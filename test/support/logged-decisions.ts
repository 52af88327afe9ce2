import type { LoggedDecision } from "../../contract/decision-log.ts";

/** A decision as the log keeps it, with as much as the log reads of it. */
export function loggedDecision({
  id = "d-1",
  decidedAt = Date.UTC(2026, 0, 11, 10, 30),
  key = {},
}: {
  id?: string;
  decidedAt?: number;
  key?: Partial<LoggedDecision["decision"]["key"]>;
} = {}): LoggedDecision {
  return {
    id,
    decidedAt,
    decision: {
      key: {
        regionId: "nyc-161",
        productType: "standard_ride",
        tick: 1,
        rulesVersion: "rul_0123456789ab",
        modelVersion: "mdl_0123456789ab",
        source: "model",
        priceMinor: 1_500,
        ...key,
      },
      price: { currency: "USD", surgeMultiplier: 1.25 },
    },
  };
}

/** A segment of the decision log. */
export function decisionSegment(...decisions: readonly LoggedDecision[]): Uint8Array {
  return new TextEncoder().encode(decisions.map((one) => `${JSON.stringify(one)}\n`).join(""));
}
