/** Changes of the emergency document. Pure: what cannot be done is a value. */
import { type EmergencyDocumentInput, emergencyFrom } from "../../../contract/emergency.ts";

export type CapInput = NonNullable<EmergencyDocumentInput["caps"]>[number];
export type FreezeInput = NonNullable<EmergencyDocumentInput["freezes"]>[number];
type Kind = "caps" | "freezes";

export interface EditFault {
  reason: "same_name" | "unknown_name" | "unsound";
  detail: string;
}

export function isEditFault(result: EmergencyDocumentInput | EditFault): result is EditFault {
  return "reason" in result;
}

/** With one measure more. */
export function withMeasure(
  document: EmergencyDocumentInput,
  measure: { caps: CapInput } | { freezes: FreezeInput },
): EmergencyDocumentInput | EditFault {
  const { caps = [], freezes = [] } = document;
  const { name } = "caps" in measure ? measure.caps : measure.freezes;
  if ([...caps, ...freezes].some((one) => one.name === name)) {
    const detail = `there is a measure "${name}" already: lift it first, or give this one another --name`;
    return { reason: "same_name", detail };
  }
  const changed =
    "caps" in measure
      ? { caps: [...caps, measure.caps], freezes }
      : { caps, freezes: [...freezes, measure.freezes] };
  const sound = emergencyFrom(changed);
  if (!Array.isArray(sound)) return changed;
  const detail = sound.map(({ path, detail: what }) => `${path}: ${what}`).join("; ");
  return { reason: "unsound", detail };
}

/** Without the cap or freeze of a name. */
export function withoutMeasure(
  document: EmergencyDocumentInput,
  kind: Kind,
  name: string,
): EmergencyDocumentInput | EditFault {
  const { caps = [], freezes = [] } = document;
  const kept = (measures: readonly { name: string }[]) =>
    measures.filter((measure) => measure.name !== name);
  const measures = kind === "caps" ? caps : freezes;
  if (measures.every((measure) => measure.name !== name)) {
    const known = measures.map((measure) => measure.name).join(", ") || "none";
    return { reason: "unknown_name", detail: `there is no "${name}" among the ${kind}: ${known}` };
  }
  return kind === "caps"
    ? { caps: kept(caps) as CapInput[], freezes }
    : { caps, freezes: kept(freezes) as FreezeInput[] };
}

/** `freeze-20260101t101500`: a name for a measure that was given none. */
export function measureName(kind: "freeze" | "cap", at: string): string {
  return `${kind}-${at.slice(0, 19).replace(/[-:]/g, "").toLowerCase()}`;
}
