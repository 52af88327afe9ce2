/**
 * True when a shipped version is to be published: nothing is in force, or what is in force came from here and is not it.
 *
 * While a Worker cannot learn what is in force it prices by the documents of its build, and says so; what looks as if in
 * force already is therefore published all the same until it was recorded. What someone else put in force stays.
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
  if (inForce === shipped) return recorded === null;
  return inForce === recorded;
}
