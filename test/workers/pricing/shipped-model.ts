/** The model that comes with the project, as the origin would send it. */
import { modelCardSchema } from "../../../contract/model.ts";
import cardText from "../../../models/baseline/card.json?raw";
import onnxUrl from "../../../models/baseline/model.onnx?inline";

export const SHIPPED_CARD_JSON = cardText;
export const SHIPPED_CARD = modelCardSchema.parse(JSON.parse(cardText));

export async function shippedOnnx(): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await fetch(onnxUrl)).arrayBuffer());
}

/** The form of PUT /admin/v1/models/{version}. */
export function modelForm(onnx: Uint8Array<ArrayBuffer>, cardJson: string): FormData {
  const form = new FormData();
  form.set("model", new File([onnx], "model.onnx"));
  form.set("card", new File([cardJson], "card.json"));
  return form;
}
