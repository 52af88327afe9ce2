/** One request on its way through a handler. */
import type { Principal } from "../../contract/access.ts";
import type { EpochMs } from "../../domain/units.ts";

/** A class, for its methods are shared: closures made for each request are garbage of each request. */
export class Call {
  readonly request: Request;
  /** Wall clock at its arrival. */
  readonly now: EpochMs;
  readonly traceId: string;
  /** Who asks; null on an open route. */
  principal: Principal | null = null;
  private readonly params: Record<string, string>;
  private readonly context: ExecutionContext;
  private readonly onFailure: (call: Call, error: unknown) => void;

  constructor(
    arrival: { request: Request; now: EpochMs; traceId: string; params: Record<string, string> },
    context: ExecutionContext,
    onFailure: (call: Call, error: unknown) => void,
  ) {
    this.request = arrival.request;
    this.now = arrival.now;
    this.traceId = arrival.traceId;
    this.params = arrival.params;
    this.context = context;
    this.onFailure = onFailure;
  }

  /** A parameter of the path. */
  param(name: string): string {
    return this.params[name] ?? "";
  }

  /** Work that goes on after the answer. */
  waitUntil(promise: Promise<unknown>): void {
    this.context.waitUntil(promise.catch((error: unknown) => this.onFailure(this, error)));
  }
}
