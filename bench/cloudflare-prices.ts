/**
 * What Cloudflare charges on the Workers Paid plan, in US dollars per million, beyond what the plan includes.
 *
 * From developers.cloudflare.com, pages "Pricing" of Workers, Durable Objects, Queues and R2, as of November 2026. Change the
 * numbers here and run `npm run bench -- cost` again.
 */
export const USD_PER_MILLION = {
  /** Requests to a Worker, and invocations of a queue's consumer. */
  workerRequests: 0.3,
  /** Milliseconds of CPU. */
  workerCpuMs: 0.02,
  /** Calls of a Durable Object, alarms among them. */
  objectRequests: 0.15,
  /** Gigabyte-seconds an object is in memory and not hibernating; an object counts as 128 MB. */
  objectGbSeconds: 12.5,
  /** Rows a Durable Object writes to SQLite; a deleted row and an alarm that is set are rows. */
  rowsWritten: 1.0,
  /** A write, a read or a deletion of 64 KB of a message. */
  queueOperations: 0.4,
  /** Writes to R2 (class A). */
  r2Writes: 4.5,
} as const;

export type BilledOperation = keyof typeof USD_PER_MILLION;

export const OBJECT_GB = 0.128;
