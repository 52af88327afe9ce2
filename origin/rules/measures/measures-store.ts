/** The emergency document, read and replaced as a whole: through the admin API of an edge, or straight in KV. */
import { z } from "zod";
import {
  type EmergencyDocumentInput,
  emergencyDocumentSchema,
  emergencyVersionOf,
} from "../../../contract/emergency.ts";
import { emergencyKey, POINTER } from "../../../contract/store-keys.ts";
import type { EmergencyVersion } from "../../../domain/units.ts";
import { createAsk, type EdgeAddress, isEdgeFault, jsonAnswer } from "../../edge/ask-edge.ts";
import type { ConfigKv } from "../store/config-kv.ts";

export interface Measures {
  /** Null while none were ever taken. */
  version: string | null;
  document: EmergencyDocumentInput;
}

export interface MeasuresStore {
  readonly where: string;
  /** Throws where it cannot be read. */
  read(): Promise<Measures>;
  /** Puts a document in the place of what was read. Throws when somebody else changed it meanwhile. Returns its version. */
  replace(read: Measures, document: EmergencyDocumentInput): Promise<string>;
}

const NONE: EmergencyDocumentInput = { caps: [], freezes: [] };

/** Straight in KV: the document first, the pointer last. */
export function measuresInKv(kv: ConfigKv): MeasuresStore {
  return {
    where: kv.where,
    async read() {
      const [pointed] = await kv.read([POINTER.emergency]);
      const version = pointed?.trim() ?? null;
      if (version === null) return { version, document: NONE };
      const [text] = await kv.read([emergencyKey(version as EmergencyVersion)]);
      if (text) return { version, document: emergencyDocumentSchema.parse(JSON.parse(text)) };
      throw new Error(`${kv.where}: ${POINTER.emergency} names ${version}, which is not there`);
    },
    async replace(_, document) {
      const version = emergencyVersionOf(document);
      await kv.put(emergencyKey(version), JSON.stringify(document));
      await kv.put(POINTER.emergency, version);
      return version;
    },
  };
}

const answerSchema = z.object({
  version: z.string().nullable(),
  document: emergencyDocumentSchema,
});
const replacedSchema = z.object({ version: z.string() });
const PATH = "/admin/v1/emergency";

/** Through the admin API, which writes down who changed what, and refuses a change of what was changed meanwhile. */
export function measuresAtEdge(address: EdgeAddress, patienceMs: number): MeasuresStore {
  const ask = createAsk(address, patienceMs, new AbortController().signal);
  return {
    where: `the admin API at ${address.url}`,
    async read() {
      const answer = await ask({ method: "GET", path: PATH, readAnswer: jsonAnswer(answerSchema) });
      if (isEdgeFault(answer)) throw new Error(answer.detail);
      return answer;
    },
    async replace({ version }, document) {
      const answer = await ask({
        ...{ method: "PUT", path: PATH, body: document },
        headers: version === null ? {} : { "if-match": `"${version}"` },
        readAnswer: jsonAnswer(replacedSchema),
      });
      if (isEdgeFault(answer)) throw new Error(answer.detail);
      return answer.version;
    },
  };
}
