import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import { type SigningJwk, signingJwkSchema } from "../contract/signing-jwk.ts";

/** A new private key. Its id is the beginning of its thumbprint (RFC 7638), so it is no other key's. */
export async function makeSigningKey(alg: SigningJwk["alg"]): Promise<SigningJwk> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = (await calculateJwkThumbprint(jwk)).slice(0, 16);
  return signingJwkSchema.parse({ kid, alg, ...jwk });
}
