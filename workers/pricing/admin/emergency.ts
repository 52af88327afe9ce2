/** Emergency caps and freezes: GET shows those in force, PUT replaces them. */
import { MAX_EMERGENCY_BODY_BYTES } from "../../../contract/admin.ts";
import { type EmergencyDocumentInput, emergencyFrom } from "../../../contract/emergency.ts";
import { instantText } from "../../../contract/names.ts";
import { emergencyKey } from "../../../contract/store-keys.ts";
import { readJson } from "../read-body.ts";
import type { Handler } from "../router.ts";
import { jsonResponse } from "../routes/json.ts";
import { type AdminPorts, answered, keyIdOf, putInForce, tagged } from "./config-changes.ts";

/** GET /admin/v1/emergency */
export function readEmergency({ catalog }: AdminPorts): Handler {
  return async () => {
    await catalog.renew();
    const { emergency } = catalog.inForce();
    if (!emergency) return jsonResponse({ version: null, document: { caps: [], freezes: [] } });
    const { version, json } = emergency;
    return tagged(version, { version, document: json });
  };
}

/** PUT /admin/v1/emergency */
export function publishEmergency(ports: AdminPorts): Handler {
  return async (call) => {
    const body = await readJson(call.request, MAX_EMERGENCY_BODY_BYTES);
    if (!("json" in body)) return body;
    const sound = emergencyFrom(body.json);
    if (Array.isArray(sound)) return { type: "invalid_emergency", errors: sound };
    const by = keyIdOf(call);
    const json = signed(body.json as EmergencyDocumentInput, { by, at: instantText(call.now) });
    const emergency = emergencyFrom(json);
    if (Array.isArray(emergency)) return { type: "invalid_emergency", errors: emergency };
    const { version } = emergency;
    const document = { key: emergencyKey(version), text: JSON.stringify(json) };
    const { request } = call;
    return answered(await putInForce(ports, { what: "emergency", version, by, request, document }));
  };
}

/** With who took each measure and when, where that is not written in it. */
function signed(
  document: EmergencyDocumentInput,
  signature: { by: string; at: string },
): EmergencyDocumentInput {
  const sign = <Measure extends { by?: string | undefined; at?: string | undefined }>(
    one: Measure,
  ): Measure => ({ ...signature, ...one });
  return {
    caps: (document.caps ?? []).map(sign),
    freezes: (document.freezes ?? []).map(sign),
  };
}
