/** What a Worker lets people in by: keys and tokens, of whom it trusts. */
import { TOKEN_ISSUER, TOKEN_TYPE } from "./access-token.ts";
import { parseApiKeys } from "./api-keys.ts";
import { type Authenticate, createAuthenticator } from "./authenticate.ts";
import { DenialLog } from "./denial.ts";
import { FetchedKeys } from "./fetched-keys.ts";
import { type JwtIssuer, parseJwtIssuers } from "./jwt-issuers.ts";
import { type ConfigReader, KeyRing } from "./key-ring.ts";
import type { Limiter } from "./limiter.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { configuredKeys, type TokenKeys } from "./token-keys.ts";
import type { ExpectedToken } from "./verify-token.ts";

/** What a Worker is given from outside. */
export interface AccessSources {
  /** The secret API_KEYS. */
  apiKeys: string;
  /** The variable JWT_ISSUERS. */
  jwtIssuers: string;
  /** What the tokens of this service are checked with; null where there are none. */
  tokenKeys: TokenKeys | null;
  /** Where the managed keys are. */
  config: ConfigReader;
  fetch(uri: string, init: RequestInit): Promise<Response>;
}

export interface Access {
  authenticate: Authenticate;
  denials: DenialLog;
  ring: KeyRing;
}

/** Who decides about requests. */
export interface Gate extends Pick<Access, "authenticate" | "denials"> {
  limiter: Limiter;
}

/** Throws on a secret or a variable that is not what it should be. */
export function createAccess(
  { apiKeys, jwtIssuers, tokenKeys, config, fetch }: AccessSources,
  { wallNow, log, metrics }: { wallNow: () => number; log: Log; metrics: Metrics },
): Access {
  const ring = new KeyRing({ keys: parseApiKeys(apiKeys), config, wallNow, log, metrics });
  const keysOf = ({ name, jwks, jwks_uri }: JwtIssuer): TokenKeys => {
    if (jwks) return configuredKeys(jwks);
    return new FetchedKeys({ name, uri: jwks_uri ?? "", fetch, wallNow, log, metrics });
  };
  const own: ExpectedToken | null = tokenKeys && {
    ...{ issuer: TOKEN_ISSUER, audience: TOKEN_ISSUER, types: [TOKEN_TYPE], keys: tokenKeys },
    algorithms: ["EdDSA", "ES256"],
  };
  const issuers = parseJwtIssuers(jwtIssuers).map((issuer) => ({
    issuer,
    expected: { ...issuer, keys: keysOf(issuer) },
  }));
  return {
    authenticate: createAuthenticator({ ring, own, issuers, wallNow }),
    denials: new DenialLog({ log, metrics, wallNow }),
    ring,
  };
}
