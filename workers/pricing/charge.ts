/** What a price or a look at a region costs its user and its region, after the key and the address paid for the request. */
import { limited, refusalResponse } from "../../contract/admit.ts";
import type { LimitRefusal } from "../../contract/limit-refusal.ts";
import type { Limiter } from "../../contract/limiter.ts";
import type { Call } from "./call.ts";
import type { Asked } from "./pipeline.ts";

/** The answer that keeps a request out, or null when it may go on. A promise only where the ledger has to be asked. */
export function charge(
  limiter: Limiter,
  call: Call,
  userId: string | undefined,
  regionId: string,
): Response | null | Promise<Response | null> {
  if (call.principal === null) return null;
  const verdict = limiter.charge(call.principal, userId, regionId, call);
  if (verdict === "allowed") return null;
  if (!(verdict instanceof Promise)) return refused(verdict, call);
  return verdict.then((later) => (later === "allowed" ? null : refused(later, call)));
}

function refused(refusal: LimitRefusal, { traceId }: Call): Response {
  return refusalResponse(limited(refusal), traceId);
}

/** The limit that keeps each of some prices out, where one does; null where nothing limits single prices. */
export async function chargeEach(
  limiter: Limiter,
  call: Call,
  prices: readonly (Asked | null)[],
): Promise<(LimitRefusal | null)[] | null> {
  const session = limiter.session(call.principal, call.request.headers);
  if (session === null) return null;
  const pass = () => prices.map((price) => price && session.take(price.user_id, price.region_id));
  let refusals = pass();
  if (session.isShort) {
    await session.provide(call);
    refusals = pass();
  }
  session.finish(call);
  return refusals;
}
