/** Puts the Worker together from what it depends on: the real bindings in index.ts, others in tests. */

import { parseApiKeys } from "../../contract/api-keys.ts";
import type { Cors } from "../../contract/cors.ts";
import { type AccessSources, createAccess } from "../../contract/gate.ts";
import { Limiter, type LimiterOptions } from "../../contract/limiter.ts";
import type { Log } from "../../contract/log.ts";
import { createMetrics } from "../../contract/metrics.ts";
import type { PersonHashes } from "../../contract/person-hashes.ts";
import type { SigningKeys } from "../../contract/signing-keys.ts";
import { changingKeys } from "../../contract/token-keys.ts";
import { hexSource, traceIdSource } from "../../contract/trace.ts";
import { type EpochMs, epochMs } from "../../domain/units.ts";
import { listChanges, readChange } from "./admin/changes.ts";
import { publishRegions, publishRules, readRegions, readRules } from "./admin/documents.ts";
import { publishEmergency, readEmergency } from "./admin/emergency.ts";
import { listLogWriters, listSegments, readSegment } from "./admin/event-log.ts";
import { readFeatures } from "./admin/features.ts";
import { seedHistory } from "./admin/history.ts";
import { listModels, publishModel, registerModel } from "./admin/models.ts";
import { type ReplayPorts, readReplay, replayParcels } from "./admin/replay.ts";
import { listRules, readRulesVersion, rollBackRules } from "./admin/rules-versions.ts";
import { createCatalog } from "./catalog.ts";
import { createCells } from "./cells.ts";
import { type ConsumerMetrics, consumerMetrics } from "./consumers.ts";
import type { Senders } from "./dead-letters/confirm-purged.ts";
import { deadLetterMetrics } from "./dead-letters/dead-letter-metrics.ts";
import { storedByQueue } from "./dead-letters/dead-letter-store.ts";
import {
  purgeDeadLetter,
  purgeDeadLetters,
  redriveDeadLetter,
  redriveDeadLetters,
} from "./dead-letters/disposal-routes.ts";
import {
  readDeadLetter,
  showDeadLetterActions,
  showDeadLetters,
} from "./dead-letters/list-dead-letters.ts";
import type { SourceQueues } from "./dead-letters/source-queues.ts";
import { createDecisionCache } from "./decision-cache.ts";
import { createDecisionLog } from "./decision-log.ts";
import type { EdgeDatabase } from "./decision-store.ts";
import { exportDecisions } from "./decisions/export-decisions.ts";
import { listDecisions } from "./decisions/list-decisions.ts";
import { listDecisionSegments, readDecisionSegment } from "./decisions/segment-routes.ts";
import type { SegmentStore } from "./decisions/segment-store.ts";
import { createDependency } from "./dependency.ts";
import type { EventLogStore } from "./event-log-store.ts";
import { createBoard } from "./experiments/board.ts";
import { experimentMetrics } from "./experiments/experiment-metrics.ts";
import {
  publishExperiments,
  rampExperiment,
  readExperiments,
  startExperiment,
  stopExperiment,
} from "./experiments/experiment-routes.ts";
import { createExposureLog } from "./experiments/exposure-log.ts";
import { countExposures } from "./experiments/exposure-store.ts";
import { showExposures } from "./experiments/list-exposures.ts";
import { makeKey, readKey, revokeKey, rotateKey, showKeys } from "./keys/key-routes.ts";
import { showLateEvents } from "./late-events/list-late-events.ts";
import { createLocationCopies } from "./location-copies.ts";
import { createModels } from "./model/models.ts";
import { createPipeline } from "./pipeline.ts";
import { createPriceMetrics } from "./price-metrics.ts";
import { createQuoteMetrics } from "./quotes/quote-metrics.ts";
import { type QuoteLedgers, type QuoteParts, userHashesFrom } from "./quotes/quote-parts.ts";
import { createRouter, type Fetch } from "./router.ts";
import { computePrice, computePrices } from "./routes/compute.ts";
import { createQuote } from "./routes/create-quote.ts";
import { forecastDemand, listRegions, readDemand } from "./routes/demand.ts";
import { explainPrice } from "./routes/explain-price.ts";
import { forwardEvents } from "./routes/forward-events.ts";
import { issueToken } from "./routes/issue-token.ts";
import { redeemQuote } from "./routes/redeem-quote.ts";
import { describeApi, health, readiness, showMetrics } from "./routes/service.ts";
import { readSigningKeys } from "./routes/signing-keys.ts";
import { verifyQuote } from "./routes/verify-quote.ts";
import type {
  ConfigStore,
  DecisionQueue,
  LocationCache,
  ModelStore,
  RegionWindows,
} from "./stores.ts";

export interface PricingPorts {
  regionWindows: RegionWindows;
  regionReplays: ReplayPorts["regionReplays"];
  /** Null where there is none. */
  locationCache: LocationCache | null;
  config: ConfigStore;
  modelStore: ModelStore;
  database: EdgeDatabase;
  decisionSegments: SegmentStore;
  decisionQueue: DecisionQueue;
  eventLog: EventLogStore;
  /** Where dead letters go back to. */
  sourceQueues: SourceQueues;
  /** Who is told of a dead letter that is purged. */
  senders: Senders;
  ingest: Pick<Fetcher, "fetch">;
  /** Who is let in, beside managed keys and the tokens of this service. */
  access: Pick<AccessSources, "apiKeys" | "jwtIssuers" | "fetch">;
  limits: Pick<LimiterOptions, "ledger" | "globalLimit">;
  cors: Cors;
  personHashes: PersonHashes;
  /** Of the isolate; rejects where the secret is not what it should be. */
  signingKeys: () => Promise<SigningKeys>;
  quoteLedgers: QuoteLedgers;
  wallNow: () => EpochMs;
  fillRandom: (bytes: Uint8Array<ArrayBuffer>) => void;
  log: Log;
}

/** How long each may take to answer, in milliseconds. Nothing on the way of a warm price waits for any of them. */
const LIMITS_MS = {
  regions: 1_000,
  cache: 500,
  region_history: 5_000,
  region_replay: 20_000,
  kv: 1_000,
  keys: 15_000,
  r2: 6_000,
  d1: 1_500,
  dead_letters: 20_000,
  event_log: 10_000,
  decision_log: 10_000,
  queue: 5_000,
  ingest: 15_000,
  quote_ledger: 3_000,
} as const;

export interface Pricing {
  fetch: Fetch;
  consumerMetrics: ConsumerMetrics;
}

export function createPricing(ports: PricingPorts): Pricing {
  const { regionWindows, config, modelStore, database, wallNow, log, fillRandom } = ports;
  const metrics = createMetrics();
  const limiter = new Limiter({ ...ports.limits, service: "pricing", wallNow, metrics });
  const dependency = (name: keyof typeof LIMITS_MS) =>
    createDependency({ name, limitMs: LIMITS_MS[name], wallNow, log, metrics });
  const regions = dependency("regions");
  const configDependency = dependency("kv");
  const modelDependency = dependency("r2");
  const databaseDependency = dependency("d1");

  const { signingKeys } = ports;
  const access = createAccess(
    {
      ...ports.access,
      config,
      tokenKeys: changingKeys(
        async (now) => (await signingKeys()).publicJwks(epochMs(now)),
        wallNow,
      ),
    },
    { wallNow, log, metrics },
  );
  const models = createModels({
    ...{ store: modelStore, dependency: modelDependency },
    ...{ log, metrics },
  });
  const catalog = createCatalog({ config, configDependency, models, wallNow, log, metrics });
  const { locationCache: cache } = ports;
  const copies =
    cache &&
    createLocationCopies({
      ...{ cache, dependency: dependency("cache"), wallNow },
      newHolder: hexSource(8, fillRandom),
    });
  const cells = createCells({
    ...{ regionWindows, regions, copies, config, configDependency },
    ...{ catalog, wallNow, log, metrics },
  });
  const outlets = {
    queue: ports.decisionQueue,
    dependency: dependency("queue"),
    ...{ wallNow, log, metrics },
  };
  const board = createBoard({ catalog, models, hashes: ports.personHashes, log, metrics });
  catalog.follow(board.prepare);
  const pipeline = createPipeline({
    ...{ catalog, cells, board, models },
    decisionLog: createDecisionLog(outlets),
    exposureLog: createExposureLog(outlets),
    decisionCache: createDecisionCache(metrics, wallNow),
    metrics: createPriceMetrics(metrics),
    nonce: hexSource(8, fillRandom),
  });

  const quotes: QuoteParts = {
    ...{ pipeline, limiter, signingKeys: ports.signingKeys, ledgers: ports.quoteLedgers },
    userHash: userHashesFrom(ports.personHashes),
    newQuoteDigits: hexSource(12, fillRandom),
    ledgerDependency: dependency("quote_ledger"),
    metrics: createQuoteMetrics(metrics),
  };

  const letterMetrics = deadLetterMetrics(metrics);
  const usersOfExperiments = experimentMetrics(
    metrics,
    () => catalog.inForce().experiments?.document ?? null,
  );
  const letters = {
    ...{ database, dependency: dependency("dead_letters"), metrics: letterMetrics, log, wallNow },
    ...{ queues: ports.sourceQueues, senders: ports.senders },
  };
  const segments = ports.decisionSegments;
  const shared = { catalog, config, configDependency, database, databaseDependency, wallNow };
  const admin = { ...shared, models, modelStore, modelDependency };
  const keys = {
    ...{ ...shared, ring: access.ring, fillRandom },
    publishingDependency: dependency("keys"),
    deployedKeys: parseApiKeys(ports.access.apiKeys),
  };
  const { regionReplays } = ports;
  const replays = { catalog, regionReplays, dependency: dependency("region_replay") };
  const decisionSegments = { ...shared, segments, segmentDependency: dependency("decision_log") };
  const eventLog = { store: ports.eventLog, dependency: dependency("event_log") };
  const fetch = createRouter(
    {
      gate: { ...access, limiter },
      cors: ports.cors,
      wallNow,
      newTraceId: traceIdSource(fillRandom),
      log,
      metrics,
    },
    {
      computePrice: computePrice(pipeline, limiter, wallNow),
      computePrices: computePrices(pipeline, limiter, wallNow),
      createQuote: createQuote(quotes),
      verifyQuote: verifyQuote(quotes),
      redeemQuote: redeemQuote(quotes),
      explainPrice: explainPrice({ ...shared, segments, cells, models, regionWindows, regions }),
      forecastDemand: forecastDemand(pipeline, limiter),
      listRegions: listRegions(catalog),
      readDemand: readDemand({ catalog, regionWindows, regions, limiter }),
      listModels: listModels(admin),
      registerModel: registerModel(admin),
      publishModel: publishModel(admin),
      readRules: readRules(admin),
      publishRules: publishRules(admin),
      listRules: listRules(admin),
      readRulesVersion: readRulesVersion(admin),
      rollBackRules: rollBackRules(admin),
      readEmergency: readEmergency(admin),
      publishEmergency: publishEmergency(admin),
      readRegions: readRegions(admin),
      readFeatures: readFeatures(catalog, regionWindows, regions),
      publishRegions: publishRegions(admin),
      readExperiments: readExperiments(admin),
      publishExperiments: publishExperiments(admin),
      startExperiment: startExperiment(admin),
      stopExperiment: stopExperiment(admin),
      rampExperiment: rampExperiment(admin),
      listExposures: showExposures(shared),
      seedHistory: seedHistory(catalog, regionWindows, dependency("region_history")),
      replayParcels: replayParcels(replays),
      readReplay: readReplay(replays),
      listChanges: listChanges(admin),
      readChange: readChange(admin),
      listLogWriters: listLogWriters(eventLog),
      listSegments: listSegments(eventLog),
      readSegment: readSegment(eventLog),
      listDecisions: listDecisions(shared),
      exportDecisions: exportDecisions(shared),
      listDecisionSegments: listDecisionSegments(decisionSegments),
      readDecisionSegment: readDecisionSegment(decisionSegments),
      listKeys: showKeys(keys),
      makeKey: makeKey(keys),
      readKey: readKey(keys),
      rotateKey: rotateKey(keys),
      revokeKey: revokeKey(keys),
      listDeadLetters: showDeadLetters(shared),
      readDeadLetter: readDeadLetter(shared),
      redriveDeadLetter: redriveDeadLetter(letters),
      redriveDeadLetters: redriveDeadLetters(letters),
      purgeDeadLetter: purgeDeadLetter(letters),
      purgeDeadLetters: purgeDeadLetters(letters),
      listDeadLetterActions: showDeadLetterActions(shared),
      listLateEvents: showLateEvents(shared),
      readSigningKeys: readSigningKeys(signingKeys),
      issueToken: issueToken({
        ...{ ...access, limiter, signingKeys, wallNow, metrics },
        newTokenId: hexSource(16, fillRandom),
      }),
      health,
      readiness: readiness(catalog, pipeline),
      metrics: showMetrics(metrics, async (now) => {
        if (letterMetrics.isDue(now)) {
          const stored = await databaseDependency.ask(() => storedByQueue(database));
          if (stored.ok) letterMetrics.stored(stored.value);
        }
        if (usersOfExperiments.isDue(now)) {
          const counts = await databaseDependency.ask(() => countExposures(database));
          if (counts.ok) usersOfExperiments.counted(counts.value);
        }
      }),
      // Read when asked for: what lies in memory is marked by every garbage collection.
      openApi: describeApi,
      docs: async (call) => (await import("./docs/pages.ts")).showDocs(call),
      problems: async (call) => (await import("./docs/pages.ts")).showProblems(call),
    },
    forwardEvents(ports.ingest, dependency("ingest")),
  );
  return { fetch, consumerMetrics: consumerMetrics(metrics, letterMetrics) };
}
