/**
 * ONNX Runtime inside the isolate.
 *
 * The package's own `session.run()` awaits with state on the WebAssembly stack, so two requests at once corrupt each
 * other. The C interface beneath it is synchronous: a run is one call that nothing can come between, and it costs half.
 */
import createOrtModule, { type OrtModule } from "onnxruntime-web/ort-wasm-simd-threaded.mjs";
import ortWasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm";

const LOG_ERRORS_ONLY = 3;

let started: Promise<OrtModule> | null = null;

/** The runtime, started on first use: about 0.1 s of CPU. A failed start is tried again by the next caller. */
export function startOrt(): Promise<OrtModule> {
  started ??= createOrt().catch((error: unknown) => {
    started = null;
    throw error;
  });
  return started;
}

async function createOrt(): Promise<OrtModule> {
  const ort = await withoutNodePath(() =>
    createOrtModule({
      numThreads: 1,
      instantiateWasm: (imports, done) => done(new WebAssembly.Instance(ortWasm, imports), ortWasm),
    }),
  );
  if (ort._OrtInit(1, LOG_ERRORS_ONLY) !== 0) throw lastErrorOf(ort, "ONNX Runtime did not start");
  return ort;
}

/**
 * Emscripten's glue takes a process with a Node version for Node, unless it is an Electron renderer. It looks before its
 * first await, so the disguise lasts for one synchronous call.
 */
function withoutNodePath<Result>(call: () => Result): Result {
  const before = Object.getOwnPropertyDescriptor(process, "type");
  Object.defineProperty(process, "type", { value: "renderer", configurable: true });
  try {
    return call();
  } finally {
    if (before) Object.defineProperty(process, "type", before);
    else Reflect.deleteProperty(process, "type");
  }
}

/** The runtime's own account of what failed last. */
export function lastErrorOf(ort: OrtModule, what: string): Error {
  const pointers = ort._malloc(8);
  ort._OrtGetLastError(pointers, pointers + 4);
  const message = ort.getValue(pointers + 4, "*");
  const detail = message === 0 ? "no detail" : ort.UTF8ToString(message);
  ort._free(pointers);
  return new Error(`${what}: ${detail}`);
}
