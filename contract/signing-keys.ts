/**
 * The keys that sign quotes and access tokens, and their public halves, with which anybody checks them.
 *
 * They arrive as a secret (SIGNING_KEYS), a JWK Set (RFC 7517): the first key signs, all of them verify. A key that is being
 * replaced stays in the set for as long as what it signed is valid, marked with `verify_until`; its public half is enough
 * then. docs/quotes.md says how one is replaced.
 */
import { CompactSign, importJWK, type JWTPayload, jwtVerify } from "jose";
import { type EpochMs, epochMs, SECOND_MS } from "../domain/units.ts";
import { type PublicJwk, parseSigningKeys, publicJwkFrom, type SigningJwk } from "./signing-jwk.ts";
import { RefusedToken, type TokenFault, tokenFault, tokenFaultFrom } from "./token-faults.ts";

export { TOKEN_FAULTS, type TokenFault } from "./token-faults.ts";

export type Claims = JWTPayload;

export interface SigningKeys {
  /** A compact JWS of the claims as they are, signed by the first key. */
  sign(claims: Claims, header: { typ: string }): Promise<string>;
  /** The claims of a compact JWS that one of the keys signed and that is what is expected, or why it is not. */
  verify(jws: string, expected: Expected): Promise<Verified | TokenFault>;
  /** What a client needs to check signatures by itself, without keys whose time is over. */
  publicJwks(now: EpochMs): { keys: PublicJwk[] };
}

/** What a token must be. Its `iat` and `exp` must be there, too. */
export interface Expected {
  /** The kind of token, as its header names it: a token of one kind is none of another. */
  typ: string;
  issuer: string;
  audience?: string;
  now: EpochMs;
  /** By how much the clock of whoever signed may differ; 5 s unless it is given. */
  toleranceMs?: number;
}

export interface Verified {
  claims: Claims;
  keyId: string;
}

const TOLERANCE_MS = 5 * SECOND_MS;
const ALGORITHMS: SigningJwk["alg"][] = ["EdDSA", "ES256"];

/** Reads the SIGNING_KEYS secret. Rejects one that is not what it should be. */
export async function signingKeysFrom(secret: string): Promise<SigningKeys> {
  const jwks = parseSigningKeys(secret);
  const [first] = jwks;
  const privateKey = await importJWK(first);
  const header = { alg: first.alg, kid: first.kid };
  const verifiers = await Promise.all(jwks.map(verifierFrom));
  const byId = new Map(verifiers.map((verifier) => [verifier.jwk.kid, verifier]));
  const encoder = new TextEncoder();

  function verifierOf(kid: string | undefined, alg: string, now: EpochMs): Verifier {
    const verifier = byId.get(kid ?? "");
    if (!verifier || now > verifier.until) throw new RefusedToken("unknown_key");
    if (verifier.jwk.alg !== alg) throw new RefusedToken("algorithm_not_allowed");
    return verifier;
  }

  return {
    sign: (claims, { typ }) =>
      new CompactSign(encoder.encode(JSON.stringify(claims)))
        .setProtectedHeader({ ...header, typ })
        .sign(privateKey),

    async verify(jws, { typ, issuer, audience, now, toleranceMs = TOLERANCE_MS }) {
      let keyId = "";
      try {
        const { payload } = await jwtVerify(
          jws,
          ({ kid, alg }) => {
            const verifier = verifierOf(kid, alg, now);
            keyId = verifier.jwk.kid;
            return verifier.key;
          },
          {
            ...{ typ, issuer, algorithms: ALGORITHMS, requiredClaims: ["iat", "exp"] },
            ...(audience === undefined ? {} : { audience }),
            currentDate: new Date(now),
            clockTolerance: toleranceMs / SECOND_MS,
          },
        );
        const issuedAt = (payload.iat ?? 0) * SECOND_MS;
        return issuedAt > now + toleranceMs
          ? tokenFault("issued_in_future")
          : { claims: payload, keyId };
      } catch (error) {
        return tokenFaultFrom(error);
      }
    },

    publicJwks: (now) => ({
      keys: verifiers.filter(({ until }) => now <= until).map(({ jwk }) => jwk),
    }),
  };
}

interface Verifier {
  jwk: PublicJwk;
  key: Awaited<ReturnType<typeof importJWK>>;
  /** Its last instant. */
  until: EpochMs;
}

async function verifierFrom(jwk: SigningJwk): Promise<Verifier> {
  const publicJwk = publicJwkFrom(jwk);
  const { verify_until } = jwk;
  return {
    jwk: publicJwk,
    key: await importJWK(publicJwk),
    until: epochMs(verify_until === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(verify_until)),
  };
}
