/** A key that signs, as a JSON Web Key (RFC 7517): Ed25519 (RFC 8037) or P-256. */
import * as z from "zod";

const coordinate = z.string().regex(/^[\w-]{43}$/, "Expected 32 bytes in base64url.");

const common = {
  kid: z.string().regex(/^[\w-]{1,64}$/),
  use: z.literal("sig").exactOptional(),
  key_ops: z.array(z.string()).exactOptional(),
  ext: z.boolean().exactOptional(),
  /** From then on it is no key any more. The key that signs has no such end. */
  verify_until: z.iso.datetime({ offset: true }).exactOptional(),
  /** The private part; a key that only verifies needs none. */
  d: coordinate.exactOptional(),
};

export const signingJwkSchema = z.discriminatedUnion("alg", [
  z.strictObject({
    ...common,
    alg: z.literal("EdDSA"),
    kty: z.literal("OKP"),
    crv: z.literal("Ed25519"),
    x: coordinate,
  }),
  z.strictObject({
    ...common,
    alg: z.literal("ES256"),
    kty: z.literal("EC"),
    crv: z.literal("P-256"),
    x: coordinate,
    y: coordinate,
  }),
]);
export type SigningJwk = z.infer<typeof signingJwkSchema>;

/** A key as anybody may know it. */
export const publicJwkSchema = z.object({
  kty: z.enum(["OKP", "EC"]),
  crv: z.enum(["Ed25519", "P-256"]),
  x: z.string(),
  y: z.string().exactOptional(),
  kid: z.string(),
  alg: z.enum(["EdDSA", "ES256"]),
  use: z.literal("sig"),
});
export type PublicJwk = z.infer<typeof publicJwkSchema>;

export const jwksAnswerSchema = z.object({ keys: z.array(publicJwkSchema) });

const signingKeysSchema = z.strictObject({ keys: z.array(signingJwkSchema).min(1).max(16) });

/** The keys of a SIGNING_KEYS secret, the one that signs first. Throws on a secret that is not what it should be. */
export function parseSigningKeys(secret: string): [SigningJwk, ...SigningJwk[]] {
  const { keys } = signingKeysSchema.parse(JSON.parse(secret));
  const [first, ...others] = keys;
  if (first === undefined) throw new TypeError("SIGNING_KEYS holds no key");
  if (first.d === undefined)
    throw new TypeError(`the first key, ${first.kid}, has no private part`);
  if (first.verify_until !== undefined) {
    throw new TypeError(`the first key, ${first.kid}, signs, so it cannot have a verify_until`);
  }
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) {
    throw new TypeError("two signing keys have the same kid");
  }
  return [first, ...others];
}

/** The public half of a key, with nothing else in it. */
export function publicJwkFrom(jwk: SigningJwk): PublicJwk {
  const { kty, crv, x, kid, alg } = jwk;
  return { kty, crv, x, ...(jwk.alg === "ES256" ? { y: jwk.y } : {}), kid, alg, use: "sig" };
}
