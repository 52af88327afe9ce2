import { generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { parseSigningKeys, type SigningJwk } from "../../contract/signing-jwk.ts";
import { type SigningKeys, signingKeysFrom } from "../../contract/signing-keys.ts";
import { epochMs, HOUR_MS, SECOND_MS } from "../../domain/units.ts";
import { makeSigningKey } from "../../local/make-signing-key.ts";
import { rotatedKeys } from "../../local/rotate-signing-keys.ts";

const NOW = epochMs(1_800_000_000_000);
const AT_S = NOW / SECOND_MS;
const CLAIMS = { iss: "us", aud: "them", iat: AT_S, exp: AT_S + 120, price: 1575 };
const EXPECTED = { typ: "quote+jwt", issuer: "us", audience: "them", now: NOW };

const secretOf = (...keys: SigningJwk[]) => JSON.stringify({ keys });

let ed: SigningJwk;
let ec: SigningJwk;
let keys: SigningKeys;
beforeAll(async () => {
  ed = await makeSigningKey("EdDSA");
  ec = await makeSigningKey("ES256");
  keys = await signingKeysFrom(secretOf(ed, ec));
});

const reasonOf = async (jws: string, expected = EXPECTED, by = keys) => {
  const verdict = await by.verify(jws, expected);
  return "reason" in verdict ? verdict.reason : "valid";
};

/** A token with another header or signature than the keys would give it. */
async function forged(claims: object, header: { alg: string; kid?: string }, key?: SigningJwk) {
  const { privateKey } = await generateKeyPair(header.alg);
  return new SignJWT({ ...claims })
    .setProtectedHeader({ typ: "quote+jwt", ...header })
    .sign(key ?? privateKey);
}

describe("signing keys", () => {
  test.each(["EdDSA", "ES256"] as const)(
    "%s: what is signed verifies, claims and all",
    async (alg) => {
      const made = await makeSigningKey(alg);
      const own = await signingKeysFrom(secretOf(made));
      const jws = await own.sign(CLAIMS, { typ: "quote+jwt" });
      expect(await own.verify(jws, EXPECTED)).toEqual({ claims: CLAIMS, keyId: made.kid });
      const [head, body, signature = ""] = jws.split(".");
      const swapped = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
      expect(await reasonOf(`${head}.${body}.${swapped}`, EXPECTED, own)).toBe("bad_signature");
      expect(await reasonOf(`${head}.${body}x.${signature}`, EXPECTED, own)).not.toBe("valid");
    },
  );

  test("the first signs, all verify", async () => {
    const turned = await signingKeysFrom(secretOf(ec, ed));
    const verdict = await keys.verify(await turned.sign(CLAIMS, { typ: "quote+jwt" }), EXPECTED);
    expect(verdict).toEqual({ claims: CLAIMS, keyId: ec.kid });
  });

  test("a token is refused for what is wrong with it", async () => {
    const sign = (changed: object) => keys.sign({ ...CLAIMS, ...changed }, { typ: "quote+jwt" });
    const { exp: _, ...endless } = CLAIMS;
    const cases: Record<string, [string, string]> = {
      "alg none": [`${new UnsecuredJWT(CLAIMS).encode()}`, "algorithm_not_allowed"],
      "an algorithm that is not the key's": [
        await forged(CLAIMS, { alg: "ES256", kid: ed.kid }),
        "algorithm_not_allowed",
      ],
      "an algorithm that nobody uses here": [
        await forged(CLAIMS, { alg: "RS256", kid: ed.kid }),
        "algorithm_not_allowed",
      ],
      "another's key under our id": [
        await forged(CLAIMS, { alg: "EdDSA", kid: ed.kid }),
        "bad_signature",
      ],
      "an unknown key": [await forged(CLAIMS, { alg: "EdDSA", kid: "other" }), "unknown_key"],
      "no key id": [await forged(CLAIMS, { alg: "EdDSA" }, ed), "unknown_key"],
      "another kind": [await keys.sign(CLAIMS, { typ: "at+jwt" }), "wrong_type"],
      "another issuer": [await sign({ iss: "others" }), "wrong_issuer"],
      "another audience": [await sign({ aud: "others" }), "wrong_audience"],
      "no audience": [await sign({ aud: undefined }), "malformed"],
      "no end": [await keys.sign(endless, { typ: "quote+jwt" }), "malformed"],
      "issued in the future": [await sign({ iat: AT_S + 60 }), "issued_in_future"],
      "not before": [await sign({ nbf: AT_S + 60 }), "not_yet_valid"],
      over: [await sign({ iat: AT_S - 130, exp: AT_S - 10 }), "expired"],
      "no token": ["never", "malformed"],
      nothing: ["", "malformed"],
      "three parts of nothing": ["a.b.c", "malformed"],
    };
    for (const [name, [jws, reason]] of Object.entries(cases)) {
      expect([name, await reasonOf(jws)]).toEqual([name, reason]);
    }
  });

  test("what is past its time still tells its claims, and clocks may differ a little", async () => {
    const jws = await keys.sign(CLAIMS, { typ: "quote+jwt" });
    const at = (seconds: number) => ({ ...EXPECTED, now: epochMs(NOW + seconds * SECOND_MS) });
    expect(await reasonOf(jws, at(124))).toBe("valid");
    expect(await reasonOf(jws, at(-4))).toBe("valid");
    expect(await keys.verify(jws, at(126))).toMatchObject({ reason: "expired", claims: CLAIMS });
  });

  test("public keys hold no private part, and none whose time is over", async () => {
    const until = new Date(NOW).toISOString();
    const some = await signingKeysFrom(secretOf(ed, { ...ec, verify_until: until }));
    const text = JSON.stringify(some.publicJwks(NOW));
    expect(text).not.toContain(ed.d);
    expect(text).not.toContain(ec.d);
    expect(some.publicJwks(NOW).keys.map(({ kid }) => kid)).toEqual([ed.kid, ec.kid]);
    expect(some.publicJwks(epochMs(NOW + 1)).keys.map(({ kid }) => kid)).toEqual([ed.kid]);
    const turned = await signingKeysFrom(secretOf(ec, ed));
    const jws = await turned.sign(CLAIMS, { typ: "quote+jwt" });
    expect(await reasonOf(jws, EXPECTED, some)).toBe("valid");
    expect(await reasonOf(jws, { ...EXPECTED, now: epochMs(NOW + 1) }, some)).toBe("unknown_key");
  });

  test("a secret that is not what it should be is refused with why", async () => {
    const { d: _, ...half } = ed;
    const refused: [string, RegExp][] = [
      ["{}", /keys/],
      ["[", /JSON/],
      [secretOf(half as SigningJwk), /no private part/],
      [secretOf({ ...ed, verify_until: new Date(NOW).toISOString() }), /verify_until/],
      [secretOf(ed, ed), /same kid/],
      [JSON.stringify({ keys: [{ ...ed, alg: "HS256" }] }), /alg/],
      [JSON.stringify({ keys: [{ ...ed, crv: "X25519" }] }), /crv/],
    ];
    for (const [secret, why] of refused) {
      expect(() => parseSigningKeys(secret)).toThrow(why);
      await expect(signingKeysFrom(secret)).rejects.toThrow(why);
    }
  });
});

describe("rotation", () => {
  const rotation = (ahead = false, now: number = NOW) => ({
    ...{ make: () => makeSigningKey("EdDSA"), now, verifyForMs: HOUR_MS, ahead },
  });

  test("from the public keys: a new key signs, the present ones verify for a while", async () => {
    const jws = await keys.sign(CLAIMS, { typ: "quote+jwt" });
    const rotated = await rotatedKeys(JSON.stringify(keys.publicJwks(NOW)), rotation());
    const end = new Date(NOW + HOUR_MS).toISOString();
    expect(rotated.map(({ kid, verify_until }) => [kid, verify_until])).toEqual([
      [rotated[0]?.kid, undefined],
      [ed.kid, end],
      [ec.kid, end],
    ]);
    expect(rotated.slice(1).every(({ d }) => d === undefined)).toBe(true);
    const next = await signingKeysFrom(JSON.stringify({ keys: rotated }));
    expect(await reasonOf(jws, EXPECTED, next)).toBe("valid");
    expect(await reasonOf(jws, { ...EXPECTED, now: epochMs(NOW + HOUR_MS + 1) }, next)).toBe(
      "unknown_key",
    );
  });

  test("ahead: the new key verifies first, signs with the next rotation, and the old ones go in the end", async () => {
    const before = await rotatedKeys(secretOf(ed), rotation(true));
    expect(before[0]).toEqual(ed);
    const waiting = before[1];
    const after = await rotatedKeys(JSON.stringify({ keys: before }), rotation());
    expect(after.map(({ kid }) => kid)).toEqual([waiting?.kid, ed.kid]);
    const later = await rotatedKeys(
      JSON.stringify({ keys: after }),
      rotation(false, NOW + 2 * HOUR_MS),
    );
    expect(later.slice(1).map(({ kid }) => kid)).toEqual([waiting?.kid]);
    const publicKeys = JSON.stringify(keys.publicJwks(NOW));
    await expect(rotatedKeys(publicKeys, rotation(true))).rejects.toThrow("from the secret");
  });
});
