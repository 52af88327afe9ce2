/** What can be wrong with a signed token, and what the library's errors mean. */
import { errors, type JWTPayload } from "jose";

export const TOKEN_FAULTS = {
  malformed: "It is no compact JWS with the claims it should have.",
  algorithm_not_allowed: "It names an algorithm that is not the key's.",
  unknown_key: "It names a key that is not in force here.",
  bad_signature: "Its signature does not belong to it.",
  wrong_type: "It is a token of another kind.",
  wrong_issuer: "Somebody else issued it.",
  wrong_audience: "It is meant for somebody else.",
  not_yet_valid: "It is not valid yet.",
  issued_in_future: "It says that it was issued later than now.",
  expired: "It is past its time.",
} as const;

export interface TokenFault {
  reason: keyof typeof TOKEN_FAULTS;
  /** A sentence. */
  detail: string;
  /** Of a token that is signed and meant well, but past its time. */
  claims?: JWTPayload;
}

/** Thrown through the library, which asks for the key. */
export class RefusedToken extends Error {
  readonly reason: TokenFault["reason"];
  constructor(reason: TokenFault["reason"]) {
    super(reason);
    this.reason = reason;
  }
}

export function tokenFault(reason: TokenFault["reason"], claims?: JWTPayload): TokenFault {
  return { reason, detail: TOKEN_FAULTS[reason], ...(claims === undefined ? {} : { claims }) };
}

const REASON_BY_CLAIM: Partial<Record<string, TokenFault["reason"]>> = {
  typ: "wrong_type",
  iss: "wrong_issuer",
  aud: "wrong_audience",
  nbf: "not_yet_valid",
};

/** What an error of a verification means; one that is not about the token is a bug and goes on. */
export function tokenFaultFrom(error: unknown): TokenFault {
  if (error instanceof RefusedToken) return tokenFault(error.reason);
  if (error instanceof errors.JWTExpired) return tokenFault("expired", error.payload);
  if (error instanceof errors.JWTClaimValidationFailed) {
    const isAbsent = error.reason !== "check_failed" && error.claim !== "typ";
    return tokenFault(isAbsent ? "malformed" : (REASON_BY_CLAIM[error.claim] ?? "malformed"));
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return tokenFault("algorithm_not_allowed");
  if (error instanceof errors.JWKSNoMatchingKey) return tokenFault("unknown_key");
  if (error instanceof errors.JWKSMultipleMatchingKeys) return tokenFault("unknown_key");
  if (error instanceof errors.JWSSignatureVerificationFailed) return tokenFault("bad_signature");
  if (error instanceof errors.JOSEError) return tokenFault("malformed");
  throw error;
}
