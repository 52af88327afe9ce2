/** A model artefact as this Worker runs it: checked against its card before anything is priced with it. */

import { messageOf } from "../../../contract/log.ts";
import { type ModelCard, modelCardSchema, modelVersionOf } from "../../../contract/model.ts";
import { type FieldError, fieldErrorsFrom } from "../../../contract/problem.ts";
import { FEATURE_NAMES, FEATURE_SET_VERSION, HORIZONS_MS } from "../../../domain/features.ts";
import {
  type DemandForecast,
  forecastFrom,
  QUANTILES_PER_HORIZON,
} from "../../../domain/forecast.ts";
import type { FeatureSnapshot } from "../../../domain/snapshot.ts";
import type { ModelVersion } from "../../../domain/units.ts";
import { startOrt } from "../onnx/runtime.ts";
import { loadSession, type OnnxSession } from "../onnx/session.ts";

export interface LoadedModel {
  readonly version: ModelVersion;
  readonly card: ModelCard;
  /** The forecast of a region from its features. Throws when inference fails or its numbers are no forecast. */
  forecast(snapshot: FeatureSnapshot): DemandForecast;
  release(): void;
}

/** Loads graph and card; what is wrong with them comes back with its path, `model` or `card.*`. */
export async function loadModel(
  onnx: Uint8Array<ArrayBuffer>,
  cardJson: string,
): Promise<LoadedModel | FieldError[]> {
  const card = parseCard(cardJson);
  if (Array.isArray(card)) return card;
  const faults = faultsOfCard(card, onnx);
  if (faults.length > 0) return faults;

  const ort = await startOrt();
  let session: OnnxSession;
  try {
    session = loadSession(ort, onnx);
  } catch (error) {
    return [{ path: "model", detail: messageOf(error) }];
  }
  const wrongAnswers = faultsOfAnswers(card, session);
  if (wrongAnswers.length === 0) return modelFrom(card, session);
  session.release();
  return wrongAnswers;
}

function modelFrom(card: ModelCard, session: OnnxSession): LoadedModel {
  let isReleased = false;
  return {
    version: card.version,
    card,
    forecast({ features, asOf, featureSetVersion }) {
      if (featureSetVersion !== card.feature_set_version) {
        throw new Error(
          `features are ${featureSetVersion}, the model knows ${card.feature_set_version}`,
        );
      }
      // Its memory is another's by now, and the runtime would not notice.
      if (isReleased) throw new Error(`${card.version} was released`);
      const quantiles = session.run([features]);
      if (!quantiles.every((value) => Number.isFinite(value) && value >= 0)) {
        throw new Error(`the model's numbers are no counts: ${quantiles.join(", ")}`);
      }
      return forecastFrom(quantiles, HORIZONS_MS, asOf, card.version);
    },
    release() {
      if (!isReleased) session.release();
      isReleased = true;
    },
  };
}

function parseCard(text: string): ModelCard | FieldError[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return [{ path: "card", detail: `Not JSON: ${messageOf(error)}` }];
  }
  const parsed = modelCardSchema.safeParse(json);
  return parsed.success ? parsed.data : fieldErrorsFrom(parsed.error, "card");
}

/** What makes a card no card of these bytes, or of a model that knows other features than this Worker has. */
export function faultsOfCard(card: ModelCard, onnx: Uint8Array): FieldError[] {
  const horizons = HORIZONS_MS.map((horizonMs) => horizonMs / 60_000);
  const expectations: [field: string, found: string, expected: string][] = [
    ["version", card.version, modelVersionOf(onnx)],
    ["feature_set_version", card.feature_set_version, FEATURE_SET_VERSION],
    ["feature_names", card.feature_names.join(), FEATURE_NAMES.join()],
    ["horizons_minutes", card.horizons_minutes.join(), horizons.join()],
  ];
  return expectations
    .filter(([, found, expected]) => found !== expected)
    .map(([field, found, expected]) => ({
      path: `card.${field}`,
      detail: `is ${found}, must be ${expected}`,
    }));
}

/** Trees are exact; what follows them (exp, square root) may differ in the last bits between builds of the runtime. */
const TOLERANCE = 1e-4;

/** The golden inputs that the graph answers otherwise than its card says. */
export function faultsOfAnswers(
  card: ModelCard,
  session: Pick<OnnxSession, "run" | "featureCount" | "quantileCount">,
): FieldError[] {
  const { featureCount, quantileCount } = session;
  const expected = [FEATURE_NAMES.length, HORIZONS_MS.length * QUANTILES_PER_HORIZON].join(" x ");
  const found = `${featureCount} x ${quantileCount}`;
  if (found !== expected) {
    return [{ path: "model", detail: `is a graph of ${found} columns, must be of ${expected}` }];
  }
  return card.golden.flatMap(({ features, quantiles }, i): FieldError[] => {
    try {
      const answers = session.run([features]);
      if (quantiles.length === answers.length && answers.every((x, q) => isNear(x, quantiles[q]))) {
        return [];
      }
      return [{ path: `card.golden[${i}]`, detail: `the graph answers ${answers.join(", ")}` }];
    } catch (error) {
      return [{ path: `card.golden[${i}]`, detail: messageOf(error) }];
    }
  });
}

function isNear(found: number, expected = Number.NaN): boolean {
  return Math.abs(found - expected) <= TOLERANCE * Math.max(1, Math.abs(expected));
}
