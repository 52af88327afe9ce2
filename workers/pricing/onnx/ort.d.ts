/**
 * The C interface of ONNX Runtime as its WebAssembly build exports it, as far as it is used here. Pointers are byte
 * offsets into the heap; functions that return a handle return 0 on failure, the others a status that is 0 on success.
 */
declare module "onnxruntime-web/ort-wasm-simd-threaded.mjs" {
  export interface OrtModule {
    HEAPU8: Uint8Array;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    setValue(pointer: number, value: number, type: "i32" | "*"): void;
    getValue(pointer: number, type: "i32" | "*"): number;
    UTF8ToString(pointer: number): string;

    _OrtInit(threads: number, logLevel: number): number;
    _OrtGetLastError(codePointer: number, messagePointer: number): number;
    _OrtCreateSessionOptions(
      optimizationLevel: number,
      enableMemoryArena: boolean,
      enableMemoryPattern: boolean,
      executionMode: number,
      enableProfiling: boolean,
      profilePrefix: number,
      logId: number,
      logSeverity: number,
      logVerbosity: number,
      optimizedModelPath: number,
    ): number;
    _OrtReleaseSessionOptions(options: number): number;
    _OrtCreateSession(model: number, modelBytes: number, options: number): number;
    _OrtReleaseSession(session: number): number;
    _OrtGetInputOutputCount(session: number, inputs: number, outputs: number): number;
    _OrtGetInputOutputMetadata(
      session: number,
      index: number,
      namePointer: number,
      metadataPointer: number,
    ): number;
    _OrtFree(pointer: number): number;
    _OrtCreateTensor(
      elementType: number,
      data: number,
      bytes: number,
      dims: number,
      rank: number,
      location: number,
    ): number;
    _OrtReleaseTensor(tensor: number): number;
    _OrtCreateBinding(session: number): number;
    _OrtBindInput(binding: number, name: number, tensor: number): number;
    _OrtBindOutput(binding: number, name: number, tensor: number, location: number): number;
    _OrtReleaseBinding(binding: number): number;
    _OrtRunWithBinding(
      session: number,
      binding: number,
      outputCount: number,
      outputs: number,
      runOptions: number,
    ): number;
  }

  export interface OrtModuleOptions {
    numThreads: number;
    instantiateWasm(
      imports: WebAssembly.Imports,
      done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
    ): void;
  }

  export default function createOrtModule(options: OrtModuleOptions): Promise<OrtModule>;
}

declare module "onnxruntime-web/ort-wasm-simd-threaded.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
