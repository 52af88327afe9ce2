/** Where published configuration lies. docs/storage.md lists shape, writer, reader and life time of each. */
import type { EmergencyVersion, ModelVersion, RulesVersion } from "../domain/units.ts";

/** KV: the version in force. Moved last, after what it points to is in place. */
export const POINTER = {
  rules: "rules/current",
  regions: "regions/current",
  model: "model/current",
  emergency: "emergency/current",
  experiments: "experiments/current",
} as const;

/** KV: how `npm run rules` moved the pointer of rules, the newest first. */
export const RULES_HISTORY = "rules/history";

export const rulesKey = (version: RulesVersion) => `rules/${version}`;
export const emergencyKey = (version: EmergencyVersion) => `emergency/${version}`;
export const regionsKey = (version: string) => `regions/${version}`;
export const experimentsKey = (version: string) => `experiments/${version}`;
export const snapshotKey = (regionId: string) => `snapshot/${regionId}`;
/** R2. */
export const modelKey = (version: ModelVersion) => `models/${version}/model.onnx`;
export const modelCardKey = (version: ModelVersion) => `models/${version}/card.json`;
