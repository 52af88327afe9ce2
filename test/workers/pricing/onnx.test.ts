import { beforeAll, describe, expect, it } from "vitest";
import { startOrt } from "../../../workers/pricing/onnx/runtime.ts";
import { loadSession, type OnnxSession } from "../../../workers/pricing/onnx/session.ts";
import { SHIPPED_CARD, shippedOnnx } from "./shipped-model.ts";

const rows = SHIPPED_CARD.golden.map((golden) => golden.features);
const expected = SHIPPED_CARD.golden.map((golden) => golden.quantiles);

let session: OnnxSession;
beforeAll(async () => {
  session = loadSession(await startOrt(), await shippedOnnx());
});

describe("a session", () => {
  it("knows its shape", () => {
    expect(session).toMatchObject({ featureCount: rows[0]?.length, quantileCount: 12 });
  });

  it("answers as the model's card says, missing values included", () => {
    expect(rows.some((row) => row.includes(null))).toBe(true);
    for (const [i, row] of rows.entries()) {
      for (const [q, value] of session.run([row]).entries()) {
        expect(value).toBeCloseTo(expected[i]?.[q] ?? Number.NaN, 4);
      }
    }
  });

  it("answers many rows at once as it answers each, bit for bit, whatever was asked before", () => {
    const together = session.run(rows);
    for (const [i, row] of [...rows.entries()].reverse()) {
      expect([...session.run([row])]).toEqual([...together.slice(i * 12, (i + 1) * 12)]);
    }
  });

  it("gives numbers of its own, which the next run leaves alone", () => {
    const [first = [], second = []] = rows;
    const before = session.run([first]);
    const copy = [...before];
    session.run([second]);
    expect([...before]).toEqual(copy);
  });

  it("does not grow the heap, however often it runs", async () => {
    const ort = await startOrt();
    for (let i = 0; i < 1_000; i++) session.run(rows);
    const before = ort.HEAPU8.byteLength;
    for (let i = 0; i < 5_000; i++) session.run(rows);
    expect(ort.HEAPU8.byteLength).toBe(before);
  });

  it("refuses a row of another width", () => {
    expect(() => session.run([[1, 2, 3]])).toThrow("3 features for 39 columns");
  });

  it("gives its memory back: twenty loads need no more than a few", async () => {
    const ort = await startOrt();
    const onnx = await shippedOnnx();
    const loadOnce = () => {
      const one = loadSession(ort, onnx);
      one.run(rows);
      one.release();
    };
    for (let i = 0; i < 5; i++) loadOnce();
    const before = ort.HEAPU8.byteLength;
    for (let i = 0; i < 20; i++) loadOnce();
    expect(ort.HEAPU8.byteLength).toBe(before);
  });

  it("says why bytes are no graph, and others still load", async () => {
    const ort = await startOrt();
    expect(() => loadSession(ort, new Uint8Array([1, 2, 3]))).toThrow(
      /the graph does not load: .+/,
    );
    expect(() => loadSession(ort, new Uint8Array())).toThrow(/the graph does not load/);
    loadSession(ort, await shippedOnnx()).release();
  });
});

describe("the runtime", () => {
  it("is started once, and leaves the process looking like itself", async () => {
    expect(await startOrt()).toBe(await startOrt());
    expect(Reflect.get(process, "type")).not.toBe("renderer");
  });
});
