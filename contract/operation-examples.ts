/** One example of what the event side's operations take and answer. A test holds each against its schema. */
import type { OperationId } from "./operations.ts";

export interface OperationExample {
  /** Of a body in JSON. */
  body?: unknown;
  answer?: unknown;
}

const LATE_EVENT = {
  region_id: "nyc-161",
  event_type: "booking",
  occurred_at: "2026-01-11T10:30:00.000Z",
  arrived_at: "2026-01-11T11:33:00.500Z",
  late_by_s: 3780.5,
  key_hash: "7a13d43c7126f413",
  user_hash: "46afdf4eb8a2a5a3",
  product_type: "standard_ride",
  quantity: 1,
  metadata: {},
};

const DEAD_LETTER = {
  id: "dl_dzzjRXmSv5Z0PU2z2BLeNf",
  queue: "events",
  region_id: "nyc-161",
  reason: "retries_exhausted",
  detail: "Its consumer failed it to the last try; the consumer's log says why.",
  state: "waiting",
  first_at: "2026-01-11T10:31:40.000Z",
  last_at: "2026-01-11T10:31:57.000Z",
  deliveries: 3,
  bytes: 176,
  redrives: 0,
  redriven_at: null,
};

const EXPERIMENTS = {
  holdout: { salt: "holdout-2026", share: 0.05 },
  experiments: [
    {
      id: "exp_steeper",
      description: "Does a steeper response to demand bring more revenue?",
      salt: "steeper-1",
      status: "running",
      for: { regions: ["nyc-161"], products: ["standard_ride"] },
      traffic: 0.2,
      variants: [
        { name: "control", weight: 1 },
        { name: "steeper", weight: 1, rules_version: "rul_1b2cce5959dc" },
      ],
      started_at: "2026-01-11T10:00:00.000Z",
    },
  ],
};

const PUBLISHED_EXPERIMENTS = { version: "exs_5f0c1d1f2a3b", previous: "exs_91be5e0a47cd" };

const SIGNAL = {
  region_id: "replay-1",
  width_s: 60,
  start_at: "2026-01-11T10:30:00.000Z",
  end_at: "2026-01-11T10:31:00.000Z",
  revision: 1,
  counts: { search: 9, view: 2, booking: 2, cancellation: 0 },
  cancel_rate: 0,
  active_sessions: 11,
  available_drivers: 6,
  busy_drivers: 28,
  utilization_ratio: 0.8235294117647058,
  supply_demand_ratio: 3,
  watermark: "2026-01-11T10:31:04.000Z",
  told_at: "2026-01-11T10:31:14.000Z",
};

const REPLAYED = {
  region_id: "replay-1",
  watermark: "2026-01-11T10:31:04.000Z",
  totals: { search: 9, view: 2, booking: 2, cancellation: 0, late: 0, duplicates: 1 },
  signals: [SIGNAL],
};

export const OPERATION_EXAMPLES: Partial<Record<OperationId, OperationExample>> = {
  postEvents: {
    body: {
      event_type: "booking",
      region_id: "nyc-161",
      timestamp: "2026-01-11T10:30:00Z",
      idempotency_key: "b-1029",
      user_id: "u-77",
      product_type: "standard_ride",
      quantity: 1,
      metadata: {},
    },
    answer: { accepted: 1, rejected: [] },
  },
  listLateEvents: {
    answer: {
      late_events: [LATE_EVENT],
      next: null,
      counts: [{ region_id: "nyc-161", events: 1, mean_late_by_s: 3780.5, max_late_by_s: 3780.5 }],
    },
  },
  listDeadLetters: { answer: { dead_letters: [DEAD_LETTER], next: null } },
  redriveDeadLetter: {
    answer: {
      ...DEAD_LETTER,
      ...{ state: "redriven", redrives: 1, redriven_at: "2026-01-11T10:40:00.000Z" },
    },
  },
  redriveDeadLetters: {
    body: { queue: "events", region_id: "nyc-161", limit: 100 },
    answer: { redriven: 1, remaining: 0 },
  },
  purgeDeadLetter: { answer: { purged: 1, remaining: 0 } },
  purgeDeadLetters: {
    body: { queue: "events", state: "redriven" },
    answer: { purged: 1, remaining: 0 },
  },
  listDeadLetterActions: {
    answer: {
      actions: [
        {
          at: "2026-01-11T10:41:00.000Z",
          by: "key_operations",
          action: "purge",
          selection: { queue: "events", state: "redriven" },
          affected: 1,
        },
      ],
    },
  },
  listLogWriters: { answer: { writers: [{ writer: "outbox-1-4011698384" }] } },
  listSegments: {
    answer: {
      writer: "outbox-1-4011698384",
      segments: [
        {
          sequence: 1,
          bytes: 256_595,
          records: 75,
          written_at: "2026-01-11T10:30:05.100Z",
          first_at: "2026-01-11T10:30:00.000Z",
          last_at: "2026-01-11T10:30:04.900Z",
        },
      ],
      more: false,
    },
  },
  readExperiments: { answer: { version: "exs_5f0c1d1f2a3b", document: EXPERIMENTS } },
  publishExperiments: { body: EXPERIMENTS, answer: PUBLISHED_EXPERIMENTS },
  startExperiment: { answer: PUBLISHED_EXPERIMENTS },
  stopExperiment: { answer: PUBLISHED_EXPERIMENTS },
  rampExperiment: { body: { traffic: 0.5 }, answer: PUBLISHED_EXPERIMENTS },
  listExposures: {
    answer: {
      experiment: "exp_steeper",
      exposures: [
        {
          user_hash: "46afdf4eb8a2a5a3",
          variant: "steeper",
          region_id: "nyc-161",
          product_type: "standard_ride",
          decision_id:
            "nyc-161.standard_ride.812.rul_1b2cce5959dc.mdl_b8351ebefe77.model.1575.0.-.exp_steeper~steeper.-",
          exposed_at: "2026-01-11T10:30:00.000Z",
          logged_at: "2026-01-11T10:30:00.412Z",
        },
      ],
      next: null,
    },
  },
  replayParcels: {
    answer: { ...REPLAYED, events: 14, duplicates: 1, late: 0, repeated_parcels: 0 },
  },
  readReplay: { answer: REPLAYED },
  readSigningKeys: {
    answer: {
      keys: [
        {
          ...{ kty: "OKP", crv: "Ed25519", kid: "kPrK_qmxVWaYVA9w", alg: "EdDSA", use: "sig" },
          x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        },
      ],
    },
  },
};
