/** What every command of the rules command line is given. */
import type { EpochMs } from "../../../domain/units.ts";
import { createOutput, type Output } from "../../output.ts";

/** Options that every command takes. */
export interface GlobalRulesOptions {
  dataDir: string;
  json: boolean;
}

export interface CommandPorts {
  now(): EpochMs;
  outputOf(options: GlobalRulesOptions): Output;
}

export function commandPortsFrom(now: () => EpochMs): CommandPorts {
  return { now, outputOf: ({ json }) => createOutput(json) };
}
