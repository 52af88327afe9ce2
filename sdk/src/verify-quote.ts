/**
 * Checks a quote without asking the service: a compact JWS (RFC 7515) against a set of public keys (RFC 7517), with the platform's
 * own cryptography.
 */

/** What a quote says. Times are seconds since 1970. */
export interface QuoteClaims {
  iss: string;
  /** The quote's id. */
  jti: string;
  iat: number;
  exp: number;
  region_id: string;
  product_type: string;
  /** Of one unit, in minor units: 1575 with an exponent of 2 is 15.75. */
  price_minor: number;
  currency: string;
  currency_exponent: number;
  /** Units that may be had at that price. */
  quantity: number;
  /** Null: for nobody in particular. */
  user_hash: string | null;
  request_id: string;
  rules_version: string;
  model_version: string | null;
}

/** A public key as `/.well-known/jwks.json` has it. */
export interface PublicKey {
  kid: string;
  alg: string;
  kty: string;
  crv: string;
  x: string;
  y?: string;
}

export interface PublicKeys {
  keys: readonly PublicKey[];
}

export type QuoteFaultReason =
  /** No quote at all. */
  | "malformed"
  /** Signed by a key that is not in the set: the set may be old. */
  | "unknown_key"
  /** It names an algorithm that is not the key's. */
  | "algorithm_not_allowed"
  | "bad_signature"
  /** A token, and no quote. */
  | "wrong_type"
  | "wrong_issuer"
  | "not_yet_valid"
  /** Past its end by more than the tolerance. */
  | "expired";

export type QuoteVerdict =
  | { valid: true; claims: QuoteClaims }
  /** `claims`: of a quote that is signed well, but not valid now. */
  | { valid: false; reason: QuoteFaultReason; claims: QuoteClaims | null };

export interface VerifyOptions {
  /** Milliseconds since 1970; the wall clock by default. */
  now?: number | undefined;
  /** By how much clocks may differ, in milliseconds; 5,000 by default, as at the service. */
  toleranceMs?: number | undefined;
}

const TYPE = "quote+jwt";
const ISSUER = "edge-demand-pricing";

/** How each algorithm is imported, and how it verifies. */
const ALGORITHMS = {
  EdDSA: { key: { name: "Ed25519" }, verify: { name: "Ed25519" } },
  ES256: {
    key: { name: "ECDSA", namedCurve: "P-256" },
    verify: { name: "ECDSA", hash: "SHA-256" },
  },
} as const;

/**
 * Whether a quote is valid, by the public keys alone; whether it was redeemed only the service knows.
 *
 * Rejects where the platform lacks the algorithm, and on keys that are none.
 */
export async function verifyQuote(
  quote: string,
  jwks: PublicKeys,
  { now = Date.now(), toleranceMs = 5_000 }: VerifyOptions = {},
): Promise<QuoteVerdict> {
  const parts = quote.split(".");
  const [head = "", body = "", signature = ""] = parts;
  const header = jsonOf(head);
  const claims = jsonOf(body) as QuoteClaims | null;
  const signatureBytes = bytesOf(signature);
  if (parts.length !== 3 || !header || !claims || !signatureBytes) return fault("malformed");

  // The key says which algorithm it is for; what the quote says of it must agree, and decides nothing.
  const key = jwks.keys.find(({ kid }) => kid === header.kid);
  const isKnown = header.alg === "EdDSA" || header.alg === "ES256";
  if (!isKnown || header.crit !== undefined) return fault("algorithm_not_allowed");
  if (!key) return fault("unknown_key");
  if (key.alg !== header.alg) return fault("algorithm_not_allowed");
  const isSigned = await crypto.subtle.verify(
    ALGORITHMS[key.alg as keyof typeof ALGORITHMS].verify,
    await imported(key),
    signatureBytes,
    new TextEncoder().encode(`${head}.${body}`),
  );
  if (!isSigned) return fault("bad_signature");
  if (header.typ !== TYPE) return fault("wrong_type");
  if (claims.iss !== ISSUER) return fault("wrong_issuer");
  if (!Number.isInteger(claims.exp) || !Number.isInteger(claims.price_minor)) {
    return fault("malformed");
  }
  if (claims.iat * 1_000 > now + toleranceMs) return fault("not_yet_valid", claims);
  return claims.exp * 1_000 + toleranceMs <= now
    ? fault("expired", claims)
    : { valid: true, claims };
}

function fault(reason: QuoteFaultReason, claims: QuoteClaims | null = null): QuoteVerdict {
  return { valid: false, reason, claims };
}

type Imported = Awaited<ReturnType<typeof crypto.subtle.importKey>>;
/** Importing a key costs as much as verifying with it. */
const importedKeys = new WeakMap<PublicKey, Promise<Imported>>();

function imported(key: PublicKey): Promise<Imported> {
  const known = importedKeys.get(key);
  if (known !== undefined) return known;
  const { kty, crv, x, y } = key;
  const algorithm = ALGORITHMS[key.alg as keyof typeof ALGORITHMS].key;
  const jwk = { kty, crv, x, ...(y === undefined ? {} : { y }) };
  const promise = crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  importedKeys.set(key, promise);
  return promise;
}

/** The object a part holds, or null when it holds none. */
function jsonOf(part: string): Record<string, unknown> | null {
  const bytes = bytesOf(part);
  if (!bytes) return null;
  try {
    const json: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : null;
  } catch {
    // Neither UTF-8 nor JSON is what a stranger's text has to be.
    return null;
  }
}

function bytesOf(base64Url: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[\w-]+$/.test(base64Url) || base64Url.length % 4 === 1) return null;
  const binary = atob(base64Url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
