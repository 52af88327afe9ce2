/**
 * Faults on purpose: what a chaos run injects to show that nothing is lost or counted twice.
 *
 * Bound by whoever runs the local stack with `--var aggregator.FAULTS=...`; no wrangler.toml declares it, and without it
 * nothing happens.
 */
import * as z from "zod";

const chance = z.number().min(0).max(1).default(0);

const faultsSchema = z.strictObject({
  /** Chance that a queue's consumer throws, before or after its work. */
  consumer_throws: chance,
  /** Chance that an object is thrown out of memory by a call, before or after its work. */
  object_aborts: chance,
});

export interface Faults {
  /** Runs a consumer, and may throw before it began or after all was done. */
  consume(work: () => Promise<void>): Promise<void>;
  /** Runs a call of an object, and may end the object before or after. `abort` ends it; memory is lost, storage is not. */
  call<Result>(abort: (reason: string) => void, work: () => Promise<Result>): Promise<Result>;
}

/** `binding` is JSON, or undefined for no faults; `random` gives numbers in [0, 1). */
export function faultsFrom(binding: string | undefined, random: () => number): Faults | null {
  if (binding === undefined) return null;
  const { consumer_throws, object_aborts } = faultsSchema.parse(JSON.parse(binding));
  const failConsumer = () => {
    if (random() < consumer_throws / 2) throw new Error("a fault on purpose");
  };
  return {
    async consume(work) {
      failConsumer();
      await work();
      failConsumer();
    },
    async call(abort, work) {
      if (random() < object_aborts / 2) abort("a fault on purpose");
      const result = await work();
      if (random() < object_aborts / 2) abort("a fault on purpose");
      return result;
    },
  };
}
