import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SipHash } from "../../domain/sip-hash.ts";

const hex = (half: number) => half.toString(16).padStart(8, "0");

describe("SipHash", () => {
  /** From the reference implementation: key 00..0f, message 00, 01, ... of that length; bytes little-endian. */
  const vectors: [length: number, hash: string][] = [
    [0, "310e0edd47db6f72"],
    [1, "fd67dc93c539f874"],
    [2, "5a4fa9d909806c0d"],
    [7, "37d1018bf50002ab"],
    [8, "6224939a79f5f593"],
    [15, "e545be4961ca29a1"],
    [63, "724506eb4c328a95"],
  ];
  it.each(vectors)("of %i bytes is the reference's", (length, expected) => {
    const hash = new SipHash(Uint8Array.from({ length: 16 }, (_, i) => i));
    hash.bytes(
      Uint8Array.from({ length }, (_, i) => i),
      0,
      length,
    );
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(hash.low, 0);
    bytes.writeUInt32LE(hash.high, 4);
    expect(bytes.toString("hex")).toBe(expected);
  });

  it("tells texts apart, whatever their characters, and says the same of the same", () => {
    const hash = new SipHash(new Uint8Array(16));
    const seen = new Map<string, string>();
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.string({ maxLength: 130 }),
    );
    fc.assert(
      fc.property(text, (value) => {
        hash.text(value);
        const hashed = hex(hash.high) + hex(hash.low);
        expect(seen.get(hashed) ?? value).toBe(value);
        seen.set(hashed, value);
        hash.text(`${value}x`);
        hash.text(value);
        expect(hex(hash.high) + hex(hash.low)).toBe(hashed);
      }),
      { numRuns: 2_000 },
    );
  });
});
