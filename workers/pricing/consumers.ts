/** The queues this Worker reads, and what is done with what stands in them. */
import { type LoggedDecision, loggedDecisionsIn } from "../../contract/decision-log.ts";
import { type ExposureMessage, exposuresIn } from "../../contract/exposures.ts";
import { type LateEvents, lateEventsOf } from "../../contract/late-events.ts";
import type { Log } from "../../contract/log.ts";
import type { Histogram, Metrics } from "../../contract/metrics.ts";
import { type SetAside, type SourceQueue, setAsideFrom } from "../../contract/set-aside.ts";
import { type Consumer, consumeMessages, type QueueMessage } from "./consume-messages.ts";
import type { DeadLetterMetrics } from "./dead-letters/dead-letter-metrics.ts";
import { type ArrivedLetter, keepDeadLetters } from "./dead-letters/dead-letter-store.ts";
import { recognise } from "./dead-letters/recognise.ts";
import { appendDecisions, type EdgeDatabase } from "./decision-store.ts";
import type { SegmentStore } from "./decisions/segment-store.ts";
import { appendExposures } from "./experiments/exposure-store.ts";
import { trimLetters } from "./housekeeping.ts";
import { confirmStored, type LateRegions } from "./late-events/confirm-stored.ts";
import { keepLateEvents } from "./late-events/late-event-store.ts";

const QUEUES = ["decisions", "late-events", "dead-letters"] as const;
type Queue = (typeof QUEUES)[number];

/** Counted once for each isolate; bindings come with each batch. */
export type ConsumerMetrics = ReturnType<typeof consumerMetrics>;

const LAG_BOUNDS_S = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200];

export function consumerMetrics(metrics: Metrics, deadLetters: DeadLetterMetrics) {
  return {
    lag: Object.fromEntries(
      QUEUES.map((queue) => [
        queue,
        metrics.histogram(
          "pricing_queue_lag_seconds",
          "From when a message was sent to when it came, tries before included.",
          LAG_BOUNDS_S,
          { queue },
        ),
      ]),
    ) as Record<Queue, Histogram>,
    lateEvents: metrics.counter(
      "pricing_late_events_total",
      "Late events taken in; one that is delivered twice is kept once, and shows here twice.",
    ),
    deadLetters,
    /** Letters kept since the store was last brought within its bounds. */
    keptSinceTrim: 0,
  };
}

export interface ConsumerPorts {
  database: EdgeDatabase;
  segments: SegmentStore;
  regions: LateRegions;
  setAside(message: SetAside): Promise<unknown>;
  wallNow(): number;
  log: Log;
  metrics: ConsumerMetrics;
}

/** Between two hours of housekeeping the dead letters are trimmed after so many new ones. */
const TRIM_AFTER_LETTERS = 1_000;

/** Takes in a batch of one of the queues. */
export function consume(
  queue: string,
  messages: readonly QueueMessage[],
  ports: ConsumerPorts,
): Promise<void> {
  switch (queue) {
    case "decisions":
      return consumeMessages(messages, decisionConsumer(ports));
    case "late-events":
      return consumeMessages(messages, lateEventConsumer(ports));
    case "dead-letters":
      return consumeMessages(messages, deadLetterConsumer(ports));
    default:
      throw new Error(`this Worker does not read the queue ${queue}`);
  }
}

/** Decisions travel as arrays, who was exposed to an experiment's as `{"exposures": [...]}`. */
function decisionConsumer(ports: ConsumerPorts): Consumer<LoggedDecision[] | ExposureMessage> {
  return {
    ...common("decisions", "It is no JSON array of decisions, nor of exposures.", ports),
    read: ({ body }) =>
      typeof body === "string" ? (exposuresIn(body) ?? loggedDecisionsIn(body)) : null,
    async write(messages) {
      const [decisions, exposures] = [messages.filter(isDecisions), messages.filter(isExposures)];
      await appendDecisions(ports, decisions.flat(), ports.wallNow());
      await appendExposures(ports.database, exposures);
    },
  };
}

const isDecisions = (message: object): message is LoggedDecision[] => Array.isArray(message);
const isExposures = (message: object): message is ExposureMessage => !Array.isArray(message);

function lateEventConsumer(ports: ConsumerPorts): Consumer<LateEvents> {
  const { database, regions, wallNow, log, metrics } = ports;
  return {
    ...common("late-events", "It holds no late events.", ports),
    read: ({ body }) => lateEventsOf(body),
    async write(messages) {
      await keepLateEvents(database, messages, wallNow());
      for (const { count } of messages) metrics.lateEvents.value += count;
      await confirmStored(messages, regions, log);
    },
  };
}

function deadLetterConsumer(ports: ConsumerPorts): Consumer<ArrivedLetter> {
  const { database, wallNow, log, metrics } = ports;
  return {
    ...{ queue: "dead-letters", lag: metrics.lag["dead-letters"], wallNow, log },
    read: ({ id, body }) => ({ messageId: id, ...recognise(body) }),
    // Everything can be recognised as something, if only as bytes.
    setAside: () => Promise.reject(new Error("there is no other place for a dead letter")),
    async write(letters) {
      await keepDeadLetters(database, letters, wallNow());
      for (const { id, queue, regionId, reason, detail, bytes } of letters) {
        metrics.deadLetters.arrived[queue].value++;
        log("error", "a dead letter", { id, queue, regionId, reason, detail, bytes });
      }
      metrics.keptSinceTrim += letters.length;
      if (metrics.keptSinceTrim < TRIM_AFTER_LETTERS) return;
      metrics.keptSinceTrim = 0;
      await trimLetters(database, metrics.deadLetters, wallNow());
    },
  };
}

function common(queue: SourceQueue & Queue, fault: string, ports: ConsumerPorts) {
  const { wallNow, log, metrics, setAside } = ports;
  return {
    ...{ queue, wallNow, log, lag: metrics.lag[queue] },
    async setAside(body: unknown) {
      await setAside(setAsideFrom(queue, body, fault));
    },
  };
}
