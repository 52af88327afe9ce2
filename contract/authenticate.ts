/**
 * From the Authorization header to who is asking.
 *
 * What was verified once is remembered, so a warm request costs a look into a map: no hash, no signature, no call. It is good until
 * the key or the token ends, and as long as no other keys came into force.
 */
import type { Principal } from "./access.ts";
import { narrowed, TOKEN_ISSUER } from "./access-token.ts";
import type { Denial } from "./denial.ts";
import { credentialOf } from "./deployed-keys.ts";
import { type JwtIssuer, subjectPrincipal } from "./jwt-issuers.ts";
import type { KeyInForce, KeyRing } from "./key-ring.ts";
import type { Background } from "./limit-desk.ts";
import { RecentMap } from "./recent-map.ts";
import { claimedIssuer, type ExpectedToken, isToken, verifyToken } from "./verify-token.ts";

/** What an identity provider takes back has an effect here after so long at the latest. */
const PROVIDER_TOKEN_REMEMBERED_MS = 15 * 60_000;

/** A principal, or why there is none. A promise only where something has to be read or a signature checked. */
export type Authenticate = (
  authorization: string | null,
  background: Background,
) => Principal | Denial | Promise<Principal | Denial>;

export interface AuthenticatorOptions {
  ring: KeyRing;
  /** How tokens of this service are checked; null where there are none. */
  own: ExpectedToken | null;
  /** Identity providers, each with how its tokens are checked. */
  issuers: readonly { issuer: JwtIssuer; expected: ExpectedToken }[];
  wallNow(): number;
}

interface Remembered extends KeyInForce {
  generation: number;
}

export function isDenial(verdict: Principal | Denial): verdict is Denial {
  return "reason" in verdict;
}

const NO_CREDENTIALS: Denial = { reason: "no_credentials" };

export function createAuthenticator({
  ring,
  own,
  issuers,
  wallNow,
}: AuthenticatorOptions): Authenticate {
  const remembered = new RecentMap<Remembered>();
  const byIssuer = new Map(issuers.map((one) => [one.issuer.issuer, one]));

  function remember(authorization: string, found: KeyInForce): Principal {
    remembered.set(authorization, { ...found, generation: ring.generation });
    return found.principal;
  }

  /** A key or token that is not known from before. */
  async function verify(
    authorization: string,
    credential: string,
    background: Background,
  ): Promise<Principal | Denial> {
    const found = isToken(credential)
      ? await fromToken(credential, background)
      : await fromKey(credential, background);
    return "reason" in found ? found : remember(authorization, found);
  }

  async function fromKey(key: string, background: Background): Promise<KeyInForce | Denial> {
    if (ring.isOverdue(wallNow())) await ring.renew(background);
    const found = ring.findManaged(key, wallNow());
    if (typeof found !== "string") return found;
    return { reason: ring.isKnown ? found : "keys_unavailable" };
  }

  async function fromToken(token: string, background: Background): Promise<KeyInForce | Denial> {
    const claimed = claimedIssuer(token);
    if (claimed === null) return { reason: "token_malformed" };
    const provider = byIssuer.get(claimed);
    if (provider) return fromProvider(token, provider, background);
    if (claimed !== TOKEN_ISSUER || own === null) return { reason: "untrusted_issuer" };
    const verified = await verifyToken(token, own, wallNow(), background);
    if (verified === null) return { reason: "issuer_unavailable", who: TOKEN_ISSUER };
    if ("reason" in verified) return { reason: `token_${verified.reason}`, who: TOKEN_ISSUER };
    const { claims, until } = verified;
    const client = String(claims.sub);
    if (ring.isOverdue(wallNow())) await ring.renew(background);
    const key = ring.byId(client, wallNow());
    if (key === null) {
      return { reason: ring.isKnown ? "revoked_client" : "keys_unavailable", who: client };
    }
    const principal = narrowed(key.principal, claims);
    return { principal, until: Math.min(until, key.until), isManaged: key.isManaged };
  }

  async function fromProvider(
    token: string,
    { issuer, expected }: AuthenticatorOptions["issuers"][number],
    background: Background,
  ): Promise<KeyInForce | Denial> {
    const who = issuer.name;
    const now = wallNow();
    const verified = await verifyToken(token, expected, now, background);
    if (verified === null) return { reason: "issuer_unavailable", who };
    if ("reason" in verified) return { reason: `token_${verified.reason}`, who };
    const principal = subjectPrincipal(issuer, verified.claims, ring.limitSalt);
    if (principal === null) return { reason: "token_malformed", who };
    const until = Math.min(verified.until, now + PROVIDER_TOKEN_REMEMBERED_MS);
    return { principal, until, isManaged: false };
  }

  /** A key that can be revoked is as good as what is known of keys is new. */
  function isGood({ until, isManaged, generation }: Remembered, now: number): boolean {
    if (now >= until) return false;
    return !isManaged || (generation === ring.generation && !ring.isOverdue(now));
  }

  return (authorization, background) => {
    if (!authorization) return NO_CREDENTIALS;
    const now = wallNow();
    if (ring.isDue(now)) background.waitUntil(ring.renew(background));
    const known = remembered.get(authorization);
    if (known !== undefined && isGood(known, now)) return known.principal;
    const credential = credentialOf(authorization);
    if (credential === null) return { reason: "unknown_scheme" };
    const deployed = isToken(credential) ? null : ring.findDeployed(credential);
    if (deployed !== null) return remember(authorization, deployed);
    return verify(authorization, credential, background);
  };
}
