import { InferenceSession, Tensor } from "onnxruntime-web";
import { MODEL_INPUT, MODEL_OUTPUT } from "./model-bytes.ts";

/** A loaded model. */
export interface OnnxModel {
  readonly featureCount: number;
  /**
   * The quantiles of some rows, row-major.
   *
   * Calls must not overlap: the runtime keeps state on its stack while it awaits. So this waits for the call before.
   *
   * @param features row-major, `featureCount` numbers a row
   */
  run(features: Float32Array): Promise<Float32Array>;
  release(): Promise<void>;
}

/**
 * Loads a model into ONNX Runtime, the same engine and version that serves it. Rejects when it is not a valid model.
 */
export async function loadOnnxModel(bytes: Uint8Array): Promise<OnnxModel> {
  const session = await InferenceSession.create(bytes);
  const featureCount = columnsOf(session);
  let previous: Promise<unknown> = Promise.resolve();
  const runAlone = async (features: Float32Array) => {
    const rows = features.length / featureCount;
    const input = new Tensor("float32", features, [rows, featureCount]);
    const { [MODEL_OUTPUT]: output } = await session.run({ [MODEL_INPUT]: input });
    if (!(output?.data instanceof Float32Array)) {
      throw new TypeError(`the model gave no float32 ${MODEL_OUTPUT}`);
    }
    return output.data;
  };
  return {
    featureCount,
    run(features) {
      const result = previous.then(() => runAlone(features));
      previous = result.catch(() => undefined);
      return result;
    },
    release: () => session.release(),
  };
}

function columnsOf({ inputMetadata }: InferenceSession): number {
  const input = inputMetadata.find(({ name }) => name === MODEL_INPUT);
  const columns = input?.isTensor === true ? input.shape[1] : undefined;
  if (typeof columns === "number") return columns;
  throw new TypeError(`the model takes no matrix ${MODEL_INPUT} with a fixed number of columns`);
}
