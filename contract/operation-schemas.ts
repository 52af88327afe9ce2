/** What goes into each operation and what comes out, on the wire. */
import * as z from "zod";
import {
  changedDocumentAnswerSchema,
  changeIdSchema,
  changesQuerySchema,
  configChangesAnswerSchema,
  emergencyAnswerSchema,
  featuresAnswerSchema,
  featuresQuerySchema,
  historyAnswerSchema,
  historySeedSchema,
  modelAnswerSchema,
  modelFormSchema,
  modelsAnswerSchema,
  publishedAnswerSchema,
  regionsAnswerSchema,
  rollbackRequestSchema,
  rulesAnswerSchema,
  rulesVersionsAnswerSchema,
} from "./admin.ts";
import { keyIdSchema } from "./api-keys.ts";
import { cloudEventBatchSchema, cloudEventSchema } from "./cloud-events.ts";
import {
  deadLetterActionsAnswerSchema,
  deadLetterAnswerSchema,
  deadLetterIdSchema,
  deadLetterSchema,
  deadLettersAnswerSchema,
  deadLettersQuerySchema,
  purgedAnswerSchema,
  purgeRequestSchema,
  redrivenAnswerSchema,
  redriveRequestSchema,
} from "./dead-letters.ts";
import {
  DECISION_SEGMENT_CONTENT_TYPE,
  decisionSegmentsAnswerSchema,
  decisionSegmentsQuerySchema,
} from "./decision-log.ts";
import {
  decisionsAnswerSchema,
  decisionsExportQuerySchema,
  decisionsQuerySchema,
} from "./decision-view.ts";
import { emergencyDocumentSchema } from "./emergency.ts";
import {
  logWriterSchema,
  logWritersAnswerSchema,
  SEGMENT_CONTENT_TYPE,
  segmentSequenceSchema,
  segmentsAnswerSchema,
  segmentsQuerySchema,
} from "./event-log.ts";
import {
  EVENT_SCHEMA_NAMES,
  eventSchema,
  eventsAnswerSchema,
  MAX_EVENTS_PER_REQUEST,
} from "./events.ts";
import { experimentsAnswerSchema, experimentsDocumentSchema, rampSchema } from "./experiments.ts";
import { explainAnswerSchema, explainQuerySchema } from "./explain.ts";
import { exposuresAnswerSchema, exposuresQuerySchema } from "./exposures.ts";
import {
  keyAnswerSchema,
  keyRequestSchema,
  keysAnswerSchema,
  keysQuerySchema,
  newKeyAnswerSchema,
  rotateRequestSchema,
} from "./key-admin.ts";
import { lateEventsAnswerSchema, lateEventsQuerySchema } from "./late-event-view.ts";
import { modelVersionSchema } from "./model.ts";
import { regionIdSchema } from "./names.ts";
import {
  OAUTH_ERRORS,
  oauthErrorSchema,
  TOKEN_REQUEST_TYPE,
  tokenAnswerSchema,
  tokenRequestSchema,
} from "./oauth.ts";
import type { OperationId } from "./operations.ts";
import {
  batchAnswerSchema,
  batchRequestSchema,
  computeRequestSchema,
  forecastAnswerSchema,
  forecastQuerySchema,
  priceAnswerSchema,
} from "./pricing.ts";
import {
  quoteAnswerSchema,
  redeemedAnswerSchema,
  redeemQuoteRequestSchema,
  verifyQuoteAnswerSchema,
  verifyQuoteRequestSchema,
} from "./quotes.ts";
import { demandAnswerSchema, regionsDocumentSchema } from "./regions.ts";
import { REPLAY_CONTENT_TYPE, replayedAnswerSchema, replaySummaryAnswerSchema } from "./replay.ts";
import { rulesDocumentSchema, rulesVersionSchema } from "./rules.ts";
import { jwksAnswerSchema } from "./signing-jwk.ts";

export interface OperationSchemas {
  parameters?: Record<string, z.ZodType>;
  query?: z.ZodObject;
  /** The body by content type. */
  body?: Record<string, z.ZodType>;
  answer: { status: number; contentType: string; schema: z.ZodType };
  /** Answers that are no problems, for routes that another standard describes. */
  failures?: { statuses: readonly number[]; schema: z.ZodType };
}

const json = (schema: z.ZodType, status = 200) => ({
  status,
  contentType: "application/json",
  schema,
});
const text = (contentType: string) => ({ status: 200, contentType, schema: z.string() });
const byRegion = { region_id: regionIdSchema };
const byDeadLetter = { id: deadLetterIdSchema };
const byKey = { id: keyIdSchema };
const byVersion = { version: modelVersionSchema };
const statusSchema = z.object({ status: z.string() });

export const OPERATION_SCHEMAS: Record<OperationId, OperationSchemas> = {
  postEvents: {
    body: {
      "application/json": z.union([
        eventSchema,
        z.array(eventSchema).min(1).max(MAX_EVENTS_PER_REQUEST),
        z.strictObject({ events: z.array(eventSchema).min(1).max(MAX_EVENTS_PER_REQUEST) }),
      ]),
      "application/x-ndjson": z.string(),
      "application/cloudevents+json": cloudEventSchema,
      "application/cloudevents-batch+json": cloudEventBatchSchema,
      "application/avro": z.string(),
      "avro/binary": z.string(),
      "application/x-protobuf": z.string(),
    },
    answer: json(eventsAnswerSchema, 202),
  },
  readEventSchema: {
    parameters: { name: z.enum(EVENT_SCHEMA_NAMES) },
    answer: text("text/plain"),
  },
  computePrice: {
    body: { "application/json": computeRequestSchema },
    answer: json(priceAnswerSchema),
  },
  computePrices: {
    body: { "application/json": batchRequestSchema },
    answer: json(batchAnswerSchema),
  },
  createQuote: {
    body: { "application/json": computeRequestSchema },
    answer: json(quoteAnswerSchema),
  },
  verifyQuote: {
    body: { "application/json": verifyQuoteRequestSchema },
    answer: json(verifyQuoteAnswerSchema),
  },
  redeemQuote: {
    body: { "application/json": redeemQuoteRequestSchema },
    answer: json(redeemedAnswerSchema),
  },
  explainPrice: {
    query: explainQuerySchema,
    answer: json(explainAnswerSchema),
  },
  forecastDemand: {
    query: forecastQuerySchema,
    answer: json(forecastAnswerSchema),
  },
  listRegions: {
    answer: json(regionsDocumentSchema),
  },
  readDemand: {
    parameters: byRegion,
    answer: json(demandAnswerSchema),
  },
  listModels: {
    answer: json(modelsAnswerSchema),
  },
  registerModel: {
    parameters: byVersion,
    body: { "multipart/form-data": modelFormSchema },
    answer: json(modelAnswerSchema, 201),
  },
  publishModel: {
    parameters: byVersion,
    answer: json(publishedAnswerSchema),
  },
  readRules: {
    answer: json(rulesAnswerSchema),
  },
  publishRules: {
    body: { "application/json": rulesDocumentSchema },
    answer: json(publishedAnswerSchema),
  },
  listRules: { answer: json(rulesVersionsAnswerSchema) },
  readRulesVersion: {
    parameters: { version: rulesVersionSchema },
    answer: json(rulesAnswerSchema),
  },
  rollBackRules: {
    body: { "application/json": rollbackRequestSchema },
    answer: json(publishedAnswerSchema),
  },
  readEmergency: { answer: json(emergencyAnswerSchema) },
  publishEmergency: {
    body: { "application/json": emergencyDocumentSchema },
    answer: json(publishedAnswerSchema),
  },
  readRegions: { answer: json(regionsAnswerSchema) },
  readFeatures: {
    parameters: { region_id: regionIdSchema },
    query: featuresQuerySchema,
    answer: json(featuresAnswerSchema),
  },
  readExperiments: {
    answer: json(experimentsAnswerSchema),
  },
  publishExperiments: {
    body: { "application/json": experimentsDocumentSchema },
    answer: json(publishedAnswerSchema),
  },
  startExperiment: {
    answer: json(publishedAnswerSchema),
  },
  stopExperiment: {
    answer: json(publishedAnswerSchema),
  },
  rampExperiment: {
    body: { "application/json": rampSchema },
    answer: json(publishedAnswerSchema),
  },
  listExposures: {
    query: exposuresQuerySchema,
    answer: json(exposuresAnswerSchema),
  },
  publishRegions: {
    body: { "application/json": regionsDocumentSchema },
    answer: json(publishedAnswerSchema),
  },
  seedHistory: {
    parameters: byRegion,
    body: { "application/json": historySeedSchema },
    answer: json(historyAnswerSchema),
  },
  replayParcels: {
    parameters: byRegion,
    body: { [REPLAY_CONTENT_TYPE]: z.file() },
    answer: json(replayedAnswerSchema),
  },
  readReplay: {
    parameters: byRegion,
    answer: json(replaySummaryAnswerSchema),
  },
  readChange: {
    parameters: { id: changeIdSchema },
    answer: json(changedDocumentAnswerSchema),
  },
  listChanges: {
    query: changesQuerySchema,
    answer: json(configChangesAnswerSchema),
  },
  listDecisions: {
    query: decisionsQuerySchema,
    answer: json(decisionsAnswerSchema),
  },
  exportDecisions: {
    query: decisionsExportQuerySchema,
    answer: text("application/x-ndjson"),
  },
  listDecisionSegments: {
    query: decisionSegmentsQuerySchema,
    answer: json(decisionSegmentsAnswerSchema),
  },
  readDecisionSegment: {
    parameters: { sequence: segmentSequenceSchema },
    answer: { status: 200, contentType: DECISION_SEGMENT_CONTENT_TYPE, schema: z.file() },
  },
  listKeys: {
    query: keysQuerySchema,
    answer: json(keysAnswerSchema),
  },
  makeKey: {
    body: { "application/json": keyRequestSchema },
    answer: json(newKeyAnswerSchema, 201),
  },
  readKey: {
    parameters: byKey,
    answer: json(keyAnswerSchema),
  },
  rotateKey: {
    parameters: byKey,
    body: { "application/json": rotateRequestSchema },
    answer: json(newKeyAnswerSchema),
  },
  revokeKey: {
    parameters: byKey,
    answer: json(keyAnswerSchema),
  },
  issueToken: {
    body: { [TOKEN_REQUEST_TYPE]: tokenRequestSchema },
    answer: json(tokenAnswerSchema),
    failures: { statuses: [...new Set(Object.values(OAUTH_ERRORS))], schema: oauthErrorSchema },
  },
  listDeadLetters: {
    query: deadLettersQuerySchema,
    answer: json(deadLettersAnswerSchema),
  },
  readDeadLetter: {
    parameters: byDeadLetter,
    answer: json(deadLetterAnswerSchema),
  },
  redriveDeadLetter: {
    parameters: byDeadLetter,
    answer: json(deadLetterSchema),
  },
  redriveDeadLetters: {
    body: { "application/json": redriveRequestSchema },
    answer: json(redrivenAnswerSchema),
  },
  purgeDeadLetter: {
    parameters: byDeadLetter,
    answer: json(purgedAnswerSchema),
  },
  purgeDeadLetters: {
    body: { "application/json": purgeRequestSchema },
    answer: json(purgedAnswerSchema),
  },
  listDeadLetterActions: {
    answer: json(deadLetterActionsAnswerSchema),
  },
  listLateEvents: {
    query: lateEventsQuerySchema,
    answer: json(lateEventsAnswerSchema),
  },
  listLogWriters: {
    answer: json(logWritersAnswerSchema),
  },
  listSegments: {
    parameters: { writer: logWriterSchema },
    query: segmentsQuerySchema,
    answer: json(segmentsAnswerSchema),
  },
  readSegment: {
    parameters: { writer: logWriterSchema, sequence: segmentSequenceSchema },
    answer: { status: 200, contentType: SEGMENT_CONTENT_TYPE, schema: z.file() },
  },
  readSigningKeys: {
    answer: json(jwksAnswerSchema),
  },
  health: {
    answer: json(statusSchema),
  },
  readiness: {
    answer: json(statusSchema),
  },
  metrics: {
    answer: text("text/plain"),
  },
  openApi: {
    answer: json(z.looseObject({ openapi: z.string() })),
  },
  docs: {
    answer: text("text/html"),
  },
  problems: {
    answer: text("text/html"),
  },
};
