import { describe, expect, it } from "vitest";
import { traceIdOf, traceIdSource } from "../../contract/trace.ts";

const made = "0123456789abcdef0123456789abcdef";

describe("traceIdOf()", () => {
  const cases: [name: string, header: string | null, expected: string][] = [
    [
      "takes the caller's",
      "00-aaaabbbbccccddddeeeeffff00001111-1111222233334444-01",
      "aaaabbbbccccddddeeeeffff00001111",
    ],
    ["makes one without a header", null, made],
    ["makes one where the header is none", "00-xyz-1-01", made],
    ["makes one where the caller's is all zeros", `00-${"0".repeat(32)}-1111222233334444-01`, made],
  ];
  it.each(cases)("%s", (_, header, expected) => {
    expect(traceIdOf(header, () => made)).toBe(expected);
  });
});

describe("traceIdSource()", () => {
  it("gives ids of 32 hex digits, none twice, asking for randomness once in 256", () => {
    let calls = 0;
    const next = traceIdSource((bytes) => {
      calls++;
      crypto.getRandomValues(bytes);
    });
    const ids = Array.from({ length: 1_000 }, next);
    expect(new Set(ids).size).toBe(1_000);
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
    expect(calls).toBe(4);
  });
});
