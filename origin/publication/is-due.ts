/**
 * True when a shipped version is to be published: nothing is in force, or what is in force is an earlier version from
 * here. What someone else put in force stays.
 */
export function isDue(versions: {
  shipped: string;
  /** In force at the edge; null when nothing is. */
  inForce: string | null;
  /** Published from here last; null when nothing was. */
  recorded: string | null;
}): boolean {
  const { shipped, inForce, recorded } = versions;
  if (inForce === null) return true;
  return inForce === recorded && inForce !== shipped;
}
