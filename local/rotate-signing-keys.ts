import * as z from "zod";
import { instantText } from "../contract/names.ts";
import { type SigningJwk, signingJwkSchema } from "../contract/signing-jwk.ts";

export interface Rotation {
  make(): Promise<SigningJwk>;
  /** Wall clock, milliseconds. */
  now: number;
  /** How long the keys that are replaced still verify. */
  verifyForMs: number;
  /** The new key only verifies, for now: what keeps public keys for a while learns it before it signs. */
  ahead: boolean;
}

const keySetSchema = z.object({ keys: z.array(signingJwkSchema).min(1) });

/**
 * The keys after a rotation, the one that signs first. Keys whose time is over are gone; those that are replaced keep their
 * public half only, so the public key set of a service is enough to rotate from.
 *
 * A key that an earlier rotation brought ahead is the one that signs then; otherwise a new one is made.
 *
 * @param present JSON of the secret, or of a public key set. Throws on anything else, and where `ahead` would leave none to sign.
 */
export async function rotatedKeys(present: string, rotation: Rotation): Promise<SigningJwk[]> {
  const { make, now, verifyForMs, ahead } = rotation;
  const { keys } = keySetSchema.parse(JSON.parse(present));
  const live = keys.filter(({ verify_until }) => !(now > Date.parse(verify_until ?? "")));
  const [first, ...others] = live;
  if (ahead) {
    if (first?.d === undefined) {
      throw new TypeError(
        "A key can be brought ahead only from the secret: somebody must sign meanwhile.",
      );
    }
    return [first, await make(), ...others];
  }
  const signer = others.find(({ d, verify_until }) => d !== undefined && !verify_until);
  const end = instantText(now + verifyForMs);
  const replaced = live
    .filter((key) => key !== signer)
    .map(({ d: _, ...key }) => ({ ...key, verify_until: key.verify_until ?? end }));
  return [signer ?? (await make()), ...replaced];
}
