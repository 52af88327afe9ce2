import type { Stack } from "../test/support/stack.ts";

/** Counters of the three Workers by name, summed over their labels. */
export type Counters = ReadonlyMap<string, number>;

export async function readCounters(stack: Stack): Promise<Counters> {
  const counters = new Map<string, number>();
  for (const url of [stack.pricingUrl, stack.ingestUrl, stack.aggregatorUrl]) {
    const response = await fetch(`${url}/metrics`, {
      headers: { authorization: `Bearer ${stack.keys.admin}` },
    });
    if (!response.ok) throw new Error(`metrics answered ${response.status}`);
    for (const line of (await response.text()).split("\n")) {
      const [, name, value] = /^([a-z_0-9]+)(?:\{.*\})? ([0-9.e+-]+)$/.exec(line) ?? [];
      if (name === undefined) continue;
      counters.set(name, (counters.get(name) ?? 0) + Number(value));
    }
  }
  return counters;
}

/** How much a counter rose. Throws when there is no such counter: a misspelt one would measure nothing. */
export function rise(name: string, before: Counters, after: Counters): number {
  const end = after.get(name);
  if (end === undefined) throw new Error(`there is no counter ${name}`);
  return end - (before.get(name) ?? 0);
}
