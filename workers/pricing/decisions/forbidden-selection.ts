import { forbiddenEverywhere, forbiddenRegion, type Principal } from "../../../contract/access.ts";
import type { DecisionSelection } from "../../../contract/decision-view.ts";
import type { Problem } from "../../../contract/problem.ts";

/** The problem of looking for decisions of regions outside one's scope: whoever has one names a region of it. */
export function forbiddenSelection(
  principal: Principal | null,
  { region_id }: DecisionSelection,
): Problem | null {
  return region_id === undefined
    ? forbiddenEverywhere(principal)
    : forbiddenRegion(principal, region_id);
}
