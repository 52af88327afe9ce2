/** Dead letters in numbers: what came, what was done with it, what is kept. */
import { DEAD_LETTER_QUEUES, type DeadLetterQueue } from "../../../contract/dead-letters.ts";
import type { Counter, Metrics } from "../../../contract/metrics.ts";
import { MINUTE_MS } from "../../../domain/units.ts";
import type { StoredLetters } from "./dead-letter-store.ts";

type ByQueue = Record<DeadLetterQueue, Counter>;

export interface DeadLetterMetrics {
  arrived: ByQueue;
  redriven: ByQueue;
  purged: ByQueue;
  trimmed: Counter;
  /** True when it is time to ask D1 what it holds; then not for a minute. */
  isDue(now: number): boolean;
  /** Takes note of what D1 holds. */
  stored(letters: readonly StoredLetters[]): void;
}

/** Counting reads every row's place in an index, which is billed. */
const COUNT_EVERY_MS = MINUTE_MS;

export function deadLetterMetrics(metrics: Metrics): DeadLetterMetrics {
  const byQueue = (name: string, help: string) =>
    Object.fromEntries(
      DEAD_LETTER_QUEUES.map((queue) => [queue, metrics.counter(name, help, { queue })]),
    ) as ByQueue;
  let dueAt = 0;
  let kept: readonly StoredLetters[] = [];
  for (const queue of DEAD_LETTER_QUEUES) {
    const of = () => kept.find((one) => one.queue === queue);
    metrics.gauge(
      "pricing_dead_letters_stored",
      "Dead letters in the database, as of a minute ago at most.",
      () => of()?.letters ?? 0,
      { queue },
    );
    metrics.gauge(
      "pricing_dead_letters_stored_bytes",
      "Bytes of the dead letters in the database, as of a minute ago at most.",
      () => of()?.bytes ?? 0,
      { queue },
    );
  }
  return {
    arrived: byQueue(
      "pricing_dead_letters_total",
      "Dead letters taken in, by the queue they left.",
    ),
    redriven: byQueue(
      "pricing_dead_letters_redriven_total",
      "Dead letters sent back to their queues.",
    ),
    purged: byQueue("pricing_dead_letters_purged_total", "Dead letters purged by an operator."),
    trimmed: metrics.counter(
      "pricing_dead_letters_expired_total",
      "Dead letters deleted after their time, or because there were too many.",
    ),
    isDue(now) {
      if (now < dueAt) return false;
      dueAt = now + COUNT_EVERY_MS;
      return true;
    },
    stored(letters) {
      kept = letters;
    },
  };
}
