/** What a start needs for itself alone: a data dir and four ports. */
import { SECOND_MS } from "../domain/units.ts";
import { type DataDir, openDataDir } from "./data-dir.ts";
import { lockDataDir } from "./data-dir-lock.ts";
import { takenPort } from "./free-ports.ts";
import { loadLastRun, saveRun } from "./last-run.ts";
import { portsFrom, type Service, type StartOptions } from "./options.ts";

/** Children of a run that was killed end by themselves, well within this. */
const AFTER_KILL_PATIENCE_MS = 5 * SECOND_MS;

export interface Claim {
  /** Gives everything back, and remembers that the run ended well. */
  release(): Promise<void>;
}

/** Takes data dir and ports, or says in a sentence why they cannot be had. */
export async function claim(
  options: StartOptions,
  dataDir: DataDir,
  host: string,
): Promise<Claim | string> {
  const problem = await openDataDir(options.dataDir, dataDir, options.demo);
  if (problem !== null) return problem;
  const lastRun = await loadLastRun(dataDir.run);
  const lock = lockDataDir(dataDir.lock);
  if (lock === null) {
    const where = lastRun === null ? "" : ` on port ${lastRun.port}`;
    return `${options.dataDir} is in use: another start runs with it${where}. Stop that one, or give this start a --data-dir of its own.`;
  }
  const ports = portsFrom(options.port);
  const patienceMs = lastRun === null || lastRun.ended_well ? 0 : AFTER_KILL_PATIENCE_MS;
  const taken = await takenPort(Object.values(ports), host, patienceMs);
  if (taken !== null) {
    lock.release();
    return `Port ${taken} is taken (${serviceOn(taken, ports)} would listen there). Stop what uses it, or choose another with --port: four in a row are needed.`;
  }
  await saveRun(dataDir.run, { port: options.port, ended_well: false });
  return {
    async release() {
      await saveRun(dataDir.run, { port: options.port, ended_well: true });
      lock.release();
    },
  };
}

function serviceOn(port: number, ports: Record<Service, number>): string {
  return Object.entries(ports).find(([, candidate]) => candidate === port)?.[0] ?? "a service";
}
