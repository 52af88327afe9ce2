/** Clock, timers, chance and network of the SDK in a test's hands. */
import type { RejectedEvent, WireEvent } from "../../../sdk/src/generated/event-types.ts";
import type { Platform } from "../../../sdk/src/platform.ts";

interface Timer {
  at: number;
  job: () => void;
}

/** A request as the service saw it. */
export interface SeenRequest {
  at: number;
  url: string;
  init: RequestInit;
  body: string;
  events: WireEvent[];
}

/** Answers a request; throwing is a network that fails, a promise that never ends one that hangs. */
export type Service = (request: SeenRequest) => Response | Promise<Response>;

export const START_AT = Date.parse("2026-01-11T10:30:00Z");

export class FakePlatform implements Platform {
  readonly requests: SeenRequest[] = [];
  /** The next values of `random`; 0.5 when used up. */
  chances: number[] = [];
  service: Service;
  #now = START_AT;
  #timers: Timer[] = [];
  #keys = 0;

  constructor(service: Service = acceptAll) {
    this.service = service;
  }

  readonly now = () => this.#now;
  readonly random = () => this.chances.shift() ?? 0.5;
  readonly newKey = () => `key-${String(++this.#keys).padStart(6, "0")}`;

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const body = String(init.body);
    const isText = typeof init.body === "string";
    const request = { at: this.#now, url, init, body, events: isText ? JSON.parse(body) : [] };
    this.requests.push(request);
    const { signal } = init;
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener("abort", () => reject(new Error("aborted")));
    });
    return Promise.race([this.service(request), aborted]);
  };

  readonly schedule = (job: () => void, delayMs: number) => {
    const timer = { at: this.#now + delayMs, job };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  };

  get timerCount(): number {
    return this.#timers.length;
  }

  /** Lets time pass: every timer on its moment, everything it sets off before the next. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (!next || next.at > until) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.job();
      await settled();
    }
    this.#now = until;
  }
}

/** Everything that is ready to run has run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export const acceptAll: Service = ({ events }) => accepted(events.length);

export function accepted(count: number, rejected: RejectedEvent[] = []): Response {
  return Response.json({ accepted: count - rejected.length, rejected }, { status: 202 });
}

export function problem(
  status: number,
  type: string,
  { headers = {}, errors }: { headers?: Record<string, string>; errors?: object[] } = {},
): Response {
  const body = { type: `/docs/problems#${type}`, title: `It is ${type}.`, status, errors };
  return Response.json(body, { status, headers });
}
