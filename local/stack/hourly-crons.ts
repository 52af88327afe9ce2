import type { Miniflare } from "miniflare";
import { messageOf } from "../../contract/log.ts";
import { HOUR_MS } from "../../domain/units.ts";

/**
 * Calls the scheduled handlers of the Workers once an hour.
 *
 * Miniflare fires no cron by itself. Every cron of the project is hourly; which minute it names is of no matter here.
 *
 * @param crons the schedules of each Worker, by its name
 */
export function fireHourly(miniflare: Miniflare, crons: ReadonlyMap<string, string[]>): void {
  const fire = async () => {
    for (const [name, schedules] of crons) {
      for (const cron of schedules) {
        const worker = await miniflare.getWorker(name);
        await worker.scheduled({ cron });
      }
    }
  };
  // The next hour is another chance; what a handler itself has to say is in its Worker's log.
  const timer = setInterval(() => {
    fire().catch((error: unknown) => console.error(`a cron did not run: ${messageOf(error)}`));
  }, HOUR_MS);
  timer.unref();
}
