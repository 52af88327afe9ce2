/** Options of commands that read or write KV. */
import { userInfo } from "node:os";
import { type Command, Option } from "commander";
import type { ConfigKv } from "../store/config-kv.ts";
import { createWranglerKv } from "../store/wrangler-kv.ts";
import type { GlobalRulesOptions } from "./command-ports.ts";

export interface PlaceFlags extends GlobalRulesOptions {
  local: boolean;
  remote: boolean;
  by?: string;
}

export function addPlaceOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--local", "the local stack's KV, running or not: what is meant by default")
        .default(false)
        .conflicts("remote"),
    )
    .option("--remote", "the deployed KV, with wrangler's login", false);
}

export function addAuthorOption(command: Command): Command {
  return command.option("--by <name>", "who does it; the name of the account when left out");
}

export function kvOf({ remote, dataDir }: PlaceFlags): ConfigKv {
  return createWranglerKv(remote ? { kind: "remote" } : { kind: "local", dataDir });
}

export function authorOf({ by }: PlaceFlags): string {
  return by ?? userInfo().username;
}
