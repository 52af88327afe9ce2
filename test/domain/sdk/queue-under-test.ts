/** A queue on a platform in a test's hands, with everything it tells written down. */
import { type EventQueue, eventQueueOn } from "../../../sdk/src/event-queue.ts";
import { memoryStore } from "../../../sdk/src/memory-store.ts";
import type {
  DropReason,
  EventQueueOptions,
  QueueError,
  Rejection,
} from "../../../sdk/src/options.ts";
import type { TrackedEvent } from "../../../sdk/src/tracked-event.ts";
import { accepted, type FakePlatform, type Service } from "./fake-platform.ts";

export const booking = { event_type: "booking", region_id: "nyc-161" } satisfies TrackedEvent;

export function queueOn(platform: FakePlatform, options: Partial<EventQueueOptions> = {}) {
  const rejected: [key: string, rejection: Rejection][] = [];
  const dropped: [count: number, reason: DropReason][] = [];
  const errors: QueueError[] = [];
  const queue = eventQueueOn(platform, options.store ?? memoryStore(), {
    endpoint: "https://prices.example/api/v1/events",
    key: "secret",
    onRejected: ({ idempotency_key }, rejection) => rejected.push([idempotency_key, rejection]),
    onDropped: (count, reason) => dropped.push([count, reason]),
    onError: (error) => errors.push(error),
    ...options,
  });
  return { queue, rejected, dropped, errors };
}

export function trackMany(queue: EventQueue, count: number, event: TrackedEvent = booking) {
  return Array.from({ length: count }, () => queue.track(event));
}

export const sizes = (platform: FakePlatform) =>
  platform.requests.map(({ events }) => events.length);
export const keysOf = (platform: FakePlatform) =>
  platform.requests.map(({ events }) => events.map((event) => event.idempotency_key));

/** Answers with each of these in turn, and takes everything after them. */
export function inTurn(...answers: Service[]): Service {
  return (request) => (answers.shift() ?? (({ events }) => accepted(events.length)))(request);
}
