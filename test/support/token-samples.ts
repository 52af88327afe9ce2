/** An identity provider of tests, and every way in which one could try to get past it. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** Changes to a token that is right. */
export interface Changed {
  claims?: { [name: string]: unknown };
  header?: { alg?: string; kid?: string; typ?: string };
  /** Signs in place of the provider's key. */
  key?: Parameters<SignJWT["sign"]>[0];
}

export interface Provider {
  kid: string;
  publicJwk: object;
  pair: KeyPair;
  token(changed?: Changed): Promise<string>;
}

/** A provider with one key. Its tokens are valid from now for five minutes. */
export async function testProvider(
  base: { claims: JWTPayload; typ: string; kid: string; nowS: () => number },
  pair?: KeyPair,
): Promise<Provider> {
  const keys = pair ?? (await generateKeyPair("ES256", { extractable: true }));
  const jwk = await exportJWK(keys.publicKey);
  const token = ({ claims = {}, header = {}, key }: Changed = {}) => {
    const iat = base.nowS();
    return new SignJWT({ iat, exp: iat + 300, ...base.claims, ...claims })
      .setProtectedHeader({ alg: "ES256", kid: base.kid, typ: base.typ, ...header })
      .sign(key ?? keys.privateKey);
  };
  return {
    ...{ kid: base.kid, pair: keys, token },
    publicJwk: { ...jwk, kid: base.kid, alg: "ES256", use: "sig" },
  };
}

/** Tokens that must be refused, and the reason. */
export async function attacksOn(
  provider: Provider,
  { claims, typ, nowS }: { claims: JWTPayload; typ: string; nowS: number },
): Promise<Record<string, [token: string, reason: string]>> {
  const { token, kid, publicJwk } = provider;
  const good = await token();
  const [header = "", payload = "", signature = ""] = good.split(".");
  const others = await generateKeyPair("ES256");
  const times = { iat: nowS, exp: nowS + 300 };
  const none = new UnsecuredJWT({ ...times, ...claims }).encode();
  const asJson = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const withHeader = (changed: object) => encoded({ ...asJson(header), ...changed });
  const grown = encoded({ ...asJson(payload), scope: "keys:manage", roles: ["everything"] });
  const secretOf = (text: string) => new TextEncoder().encode(text);
  return {
    "alg none": [none, "token_algorithm_not_allowed"],
    "alg none under our header": [
      `${withHeader({ alg: "none" })}.${payload}.`,
      "token_algorithm_not_allowed",
    ],
    "HS256 with the public key as the secret": [
      await token({
        header: { alg: "HS256" },
        key: secretOf(JSON.stringify(publicJwk)),
      }),
      "token_algorithm_not_allowed",
    ],
    "another algorithm in the header": [
      `${withHeader({ alg: "ES384" })}.${payload}.${signature}`,
      "token_algorithm_not_allowed",
    ],
    "another audience": [await token({ claims: { aud: "others" } }), "token_wrong_audience"],
    "no audience": [await token({ claims: { aud: undefined } }), "token_malformed"],
    "an issuer that nobody trusts": [
      await token({ claims: { iss: "https://evil.test/" } }),
      "untrusted_issuer",
    ],
    "no issuer": [await token({ claims: { iss: undefined } }), "token_malformed"],
    "past its time": [
      await token({ claims: { iat: nowS - 600, exp: nowS - 10 } }),
      "token_expired",
    ],
    "no end": [await token({ claims: { exp: undefined } }), "token_malformed"],
    "not yet valid": [await token({ claims: { nbf: nowS + 60 } }), "token_not_yet_valid"],
    "issued in the future": [
      await token({ claims: { iat: nowS + 60, exp: nowS + 120 } }),
      "token_issued_in_future",
    ],
    "an unknown key": [await token({ header: { kid: "other" } }), "token_unknown_key"],
    "another's key under this id": [
      await token({ key: others.privateKey, header: { kid } }),
      "token_bad_signature",
    ],
    "claims that grew": [`${header}.${grown}.${signature}`, "token_bad_signature"],
    "a signature cut off": [`${header}.${payload}.`, "token_bad_signature"],
    "another kind of token": [await token({ header: { typ: "quote+jwt" } }), "token_wrong_type"],
    "no kind": [await token({ header: { typ: typ === "JWT" ? "x" : "JWT" } }), "token_wrong_type"],
    "nobody in particular": [await token({ claims: { sub: undefined } }), "token_malformed"],
    "no JSON": ["eyJhbGciOi.eyJhbGciOi.x", "token_malformed"],
    "a token without end": [`${header}.${"e".repeat(9_000)}.${signature}`, "token_malformed"],
  };
}
