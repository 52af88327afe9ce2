/** What keeps an event out that nothing is wrong with: the scope of the key that sends it, then its limits. */
import { forbiddenRegion, type Principal } from "../../contract/access.ts";
import type { EventRejection } from "../../contract/events.ts";
import type { ChargedEvent, EventLimits } from "./limits/event-limits.ts";

export type RefuseEvent = (event: ChargedEvent) => EventRejection | null;

/** A key for every region, as most are, asks its limits only. */
export function refuseEvent(principal: Principal | null, limits: EventLimits): RefuseEvent {
  if (principal === null || principal.regions === null) return limits.refuse;
  return (event) => {
    const outside = forbiddenRegion(principal, event.regionId);
    if (outside === null) return limits.refuse(event);
    const detail = outside.detail ?? "";
    return { type: "forbidden_region", detail, errors: [{ path: "region_id", detail }] };
  };
}
