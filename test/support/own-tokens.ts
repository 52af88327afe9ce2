/** Tokens of this service, signed with a key of tests as pricing would. */
import { importJWK } from "jose";
import { TOKEN_ISSUER } from "../../contract/access-token.ts";
import { type Provider, testProvider } from "./token-samples.ts";

export function claimsOf(keyId: string, scope: string) {
  return { iss: TOKEN_ISSUER, aud: TOKEN_ISSUER, sub: keyId, client_id: keyId, scope };
}

/** @param signingKey a private JWK of ES256, as JSON */
export async function ownTokens(
  signingKey: string,
  claims: ReturnType<typeof claimsOf>,
  nowS: () => number,
): Promise<Provider> {
  const { d, ...publicJwk } = JSON.parse(signingKey);
  return testProvider(
    { claims, typ: "at+jwt", kid: publicJwk.kid, nowS },
    {
      privateKey: (await importJWK({ ...publicJwk, d }, "ES256")) as Provider["pair"]["privateKey"],
      publicKey: (await importJWK(publicJwk, "ES256")) as Provider["pair"]["privateKey"],
    },
  );
}
