/** GET /.well-known/jwks.json */
import type { SigningKeys } from "../../../contract/signing-keys.ts";
import type { Handler } from "../router.ts";

/** A new key is in the set a while before it signs, or is looked for by whoever meets its signature first. */
const KEPT_FOR_S = 300;

export function readSigningKeys(signingKeys: () => Promise<SigningKeys>): Handler {
  return async ({ now }) => {
    const keys = (await signingKeys()).publicJwks(now);
    return new Response(JSON.stringify(keys), {
      headers: {
        "content-type": "application/json",
        "cache-control": `public, max-age=${KEPT_FOR_S}`,
        // Everybody's, pages of any origin included.
        "access-control-allow-origin": "*",
      },
    });
  };
}
