/** One loaded model: rows of features in, rows of quantiles out, synchronously. */
import type { OrtModule } from "onnxruntime-web/ort-wasm-simd-threaded.mjs";
import { lastErrorOf } from "./runtime.ts";

/** Null is a missing value; the graph sees NaN. */
export type FeatureRow = readonly (number | null)[];

export interface OnnxSession {
  readonly featureCount: number;
  readonly quantileCount: number;
  /** Quantiles of each row, row after row. Throws when the graph fails or a row has another width. */
  run(rows: readonly FeatureRow[]): Float32Array;
  /** Gives the graph's memory back; the WebAssembly heap itself never shrinks. */
  release(): void;
}

const FLOAT = 1;
const FLOAT_BYTES = 4;
const ON_CPU = 1;
const OPTIMIZE_ALL = 99;
const LOG_ERRORS_ONLY = 3;

/** Loads a graph with one float input [rows, features] and one float output [rows, quantiles]. Throws on any other. */
export function loadSession(ort: OrtModule, onnx: Uint8Array): OnnxSession {
  const session = createSession(ort, onnx);
  const { input, output } = endsOf(ort, session);
  const bindings = new Map<number, Binding>();
  return {
    featureCount: input.width,
    quantileCount: output.width,
    run(rows) {
      const binding = bindings.get(rows.length) ?? bind(ort, session, input, output, rows.length);
      bindings.set(rows.length, binding);
      writeRows(binding.inputs, rows, input.width);
      if (ort._OrtRunWithBinding(session, binding.handle, 1, binding.outputHandle, 0) !== 0) {
        throw lastErrorOf(ort, "inference failed");
      }
      // The binding hands out a second name for the output it was given; the values are where they were bound.
      ort._OrtReleaseTensor(binding.outputHandleView[0] ?? 0);
      return binding.outputs.slice();
    },
    release() {
      for (const binding of bindings.values()) binding.release();
      bindings.clear();
      ort._OrtReleaseSession(session);
    },
  };
}

function createSession(ort: OrtModule, onnx: Uint8Array): number {
  const options = ort._OrtCreateSessionOptions(
    OPTIMIZE_ALL,
    false,
    false,
    0,
    false,
    0,
    0,
    LOG_ERRORS_ONLY,
    0,
    0,
  );
  if (options === 0) throw lastErrorOf(ort, "no session options");
  const model = ort._malloc(onnx.byteLength);
  try {
    heapOf(ort, model, onnx.byteLength).set(onnx);
    const session = ort._OrtCreateSession(model, onnx.byteLength, options);
    if (session === 0) throw lastErrorOf(ort, "the graph does not load");
    return session;
  } finally {
    ort._free(model);
    ort._OrtReleaseSessionOptions(options);
  }
}

/** A name in the graph, and how many columns the tensor of that name has. */
interface GraphEnd {
  /** Pointer to the name's text. */
  name: number;
  width: number;
}

function endsOf(ort: OrtModule, session: number): { input: GraphEnd; output: GraphEnd } {
  const counts = ort._malloc(8);
  ort._OrtGetInputOutputCount(session, counts, counts + 4);
  const inputs = ort.getValue(counts, "i32");
  const outputs = ort.getValue(counts + 4, "i32");
  ort._free(counts);
  if (inputs !== 1 || outputs !== 1) {
    throw new Error(`the graph has ${inputs} inputs and ${outputs} outputs, not one of each`);
  }
  return { input: endOf(ort, session, 0), output: endOf(ort, session, 1) };
}

function endOf(ort: OrtModule, session: number, index: number): GraphEnd {
  const pointers = ort._malloc(8);
  if (ort._OrtGetInputOutputMetadata(session, index, pointers, pointers + 4) !== 0) {
    throw lastErrorOf(ort, "the graph does not describe itself");
  }
  const name = ort.getValue(pointers, "*");
  const metadata = ort.getValue(pointers + 4, "*");
  const elementType = ort.getValue(metadata, "i32");
  const rank = ort.getValue(metadata + 4, "i32");
  // After the rank: a name for each dimension (0 where it has none), then a length for each.
  const width = rank === 2 ? ort.getValue(metadata + 8 + 3 * 4, "i32") : 0;
  const text = ort.UTF8ToString(name);
  ort._OrtFree(metadata);
  ort._free(pointers);
  if (elementType !== FLOAT || width <= 0) {
    throw new Error(`"${text}" is not a float tensor of rows with a fixed number of columns`);
  }
  return { name, width };
}

/** Memory for a fixed number of rows, bound to the graph once, so that a run allocates nothing of its own. */
interface Binding {
  handle: number;
  inputs: Float32Array;
  outputs: Float32Array;
  /** Where a run writes the handle of its output. */
  outputHandle: number;
  outputHandleView: Uint32Array;
  release(): void;
}

function bind(
  ort: OrtModule,
  session: number,
  input: GraphEnd,
  output: GraphEnd,
  rows: number,
): Binding {
  const handle = ort._OrtCreateBinding(session);
  if (handle === 0) throw lastErrorOf(ort, "no binding");
  const inputs = tensorOf(ort, rows, input.width);
  const outputs = tensorOf(ort, rows, output.width);
  if (
    ort._OrtBindInput(handle, input.name, inputs.handle) !== 0 ||
    ort._OrtBindOutput(handle, output.name, outputs.handle, ON_CPU) !== 0
  ) {
    throw lastErrorOf(ort, "the graph takes no binding");
  }
  const outputHandle = ort._malloc(4);
  const viewOf = ({ data, length }: Tensor) =>
    new Float32Array(heapOf(ort, data, length * FLOAT_BYTES).buffer, data, length);
  return {
    handle,
    inputs: viewOf(inputs),
    outputs: viewOf(outputs),
    outputHandle,
    outputHandleView: new Uint32Array(heapOf(ort, outputHandle, 4).buffer, outputHandle, 1),
    release() {
      ort._OrtReleaseBinding(handle);
      for (const tensor of [inputs, outputs]) {
        ort._OrtReleaseTensor(tensor.handle);
        ort._free(tensor.data);
      }
      ort._free(outputHandle);
    },
  };
}

interface Tensor {
  handle: number;
  /** Pointer to the values. */
  data: number;
  length: number;
}

function tensorOf(ort: OrtModule, rows: number, width: number): Tensor {
  const length = rows * width;
  const data = ort._malloc(length * FLOAT_BYTES);
  const dims = ort._malloc(8);
  ort.setValue(dims, rows, "i32");
  ort.setValue(dims + 4, width, "i32");
  const handle = ort._OrtCreateTensor(FLOAT, data, length * FLOAT_BYTES, dims, 2, ON_CPU);
  ort._free(dims);
  if (handle === 0) throw lastErrorOf(ort, `no tensor of ${rows} rows`);
  return { handle, data, length };
}

function writeRows(target: Float32Array, rows: readonly FeatureRow[], width: number): void {
  let at = 0;
  for (const row of rows) {
    if (row.length !== width) throw new RangeError(`${row.length} features for ${width} columns`);
    for (let i = 0; i < width; i++) target[at++] = row[i] ?? Number.NaN;
  }
}

/**
 * A stretch of the heap. The heap is shared memory: when it grows, old views stay valid for what they show, but do not
 * reach what is new. Reading through the glue renews its views first.
 */
function heapOf(ort: OrtModule, pointer: number, bytes: number): Uint8Array {
  ort.getValue(pointer, "i32");
  return ort.HEAPU8.subarray(pointer, pointer + bytes);
}
