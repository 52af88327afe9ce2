/** From a compact JWS to the claims of an access token, or what is wrong with it. */
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from "jose";
import { type EpochMs, SECOND_MS } from "../domain/units.ts";
import type { Background } from "./limit-desk.ts";
import { type TokenFault, tokenFault, tokenFaultFrom } from "./token-faults.ts";
import type { TokenKeys } from "./token-keys.ts";

/** What tokens of an issuer must be. */
export interface ExpectedToken {
  issuer: string;
  audience: string | string[];
  algorithms: readonly string[];
  types: readonly string[];
  keys: TokenKeys;
}

export interface VerifiedToken {
  claims: JWTPayload;
  /** Its last instant. */
  until: EpochMs;
}

/** By how much clocks may differ. */
const TOLERANCE_S = 5;
/** Longer than any provider's; what is longer is not looked at. */
const MAX_TOKEN_LENGTH = 8_192;
const COMPACT_JWS = /^eyJ[\w-]*\.[\w-]*\.[\w-]*$/;

/** True for what looks like a token and not like a key. */
export function isToken(text: string): boolean {
  return COMPACT_JWS.test(text);
}

/** Who says to have issued it. Nothing of this is proven yet. */
export function claimedIssuer(token: string): string | null {
  if (token.length > MAX_TOKEN_LENGTH) return null;
  try {
    const { iss } = decodeJwt(token);
    return typeof iss === "string" ? iss : null;
  } catch {
    return null;
  }
}

/** The claims, or what is wrong; null when the issuer's keys cannot be had. */
export async function verifyToken(
  token: string,
  expected: ExpectedToken,
  now: number,
  background: Background,
): Promise<VerifiedToken | TokenFault | null> {
  const { issuer, audience, algorithms, types, keys } = expected;
  const header = headerOf(token);
  if (header === null) return tokenFault("malformed");
  // Before any key is looked for: a key says by itself nothing of how it may be used.
  if (header.alg === undefined || !algorithms.includes(header.alg)) {
    return tokenFault("algorithm_not_allowed");
  }
  if (!isOneOf(types, header.typ)) return tokenFault("wrong_type");
  const find = await keys.finder(header.kid, background);
  if (find === null) return null;
  try {
    const { payload } = await jwtVerify(token, find, {
      ...{ issuer, audience, algorithms: [...algorithms], requiredClaims: ["iat", "exp", "sub"] },
      ...{ clockTolerance: TOLERANCE_S, currentDate: new Date(now) },
    });
    const { iat = 0, exp = 0 } = payload;
    if (iat > now / SECOND_MS + TOLERANCE_S) return tokenFault("issued_in_future");
    return { claims: payload, until: ((exp + TOLERANCE_S) * SECOND_MS) as EpochMs };
  } catch (error) {
    if (error instanceof errors.JOSEError) return tokenFaultFrom(error);
    // Anything else is about the key: RSA of under 2048 bits, or numbers that are no point of the curve.
    return tokenFault("unknown_key");
  }
}

function headerOf(token: string): ProtectedHeaderParameters | null {
  try {
    return decodeProtectedHeader(token);
  } catch {
    return null;
  }
}

/** Types are compared without `application/`, in any case (RFC 7515, 4.1.9). */
function isOneOf(types: readonly string[], typ: unknown): boolean {
  if (typeof typ !== "string") return false;
  const bare = (text: string) => text.toLowerCase().replace(/^application\//, "");
  return types.some((type) => bare(type) === bare(typ));
}
