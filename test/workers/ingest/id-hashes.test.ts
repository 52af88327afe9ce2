import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { idHashesFrom } from "../../../workers/ingest/id-hashes.ts";

const hex = (half: number) => half.toString(16).padStart(8, "0");

describe("idHashesFrom()", () => {
  const personHash = (secret: string, id: string) => {
    const key = createHmac("sha256", secret).update("person").digest();
    return createHmac("sha256", key).update(id).digest("hex").slice(0, 16);
  };

  it("hashes people as node:crypto does, from the cache and past it", () => {
    const hashes = idHashesFrom("secret");
    const ids = fc.array(fc.string({ minLength: 1, maxLength: 128, unit: "grapheme" }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(ids, (people) => {
        for (const id of [...people, ...people]) {
          const { high, low } = hashes.ofPerson(id);
          expect(hex(high) + hex(low)).toBe(personHash("secret", id));
        }
      }),
    );
  });

  it("keeps its answers right when more people come than it caches", () => {
    const hashes = idHashesFrom("secret");
    const first = Array.from({ length: 100_000 }, (_, n) => ({ ...hashes.ofPerson(`u-${n}`) }));
    for (const n of [0, 1, 2, 50_000, 99_999]) {
      expect(hashes.ofPerson(`u-${n}`)).toMatchObject(first[n] ?? {});
      const { high = 0, low = 0 } = first[n] ?? {};
      expect(hex(high) + hex(low)).toBe(personHash("secret", `u-${n}`));
    }
  });

  it("depends on the secret, for people and for keys", () => {
    const [one, other] = [idHashesFrom("one"), idHashesFrom("other")];
    expect({ ...one.ofPerson("u-1") }).not.toEqual({ ...other.ofPerson("u-1") });
    expect(one.ofKey("k-1").low).not.toBe(other.ofKey("k-1").low);
    expect(one.ofKey("k-1").low).toBe(one.ofKey("k-1").low);
  });
});
