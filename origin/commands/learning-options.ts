/** Options that `train` and `evaluate` share, and the history they mean. */
import { type Command, InvalidArgumentError } from "commander";
import { instantSchema } from "../../contract/names.ts";
import { regionsDocumentSchema, regionsFrom } from "../../contract/regions.ts";
import { type EpochMs, epochMs } from "../../domain/units.ts";
import { type OfflineStore, openOfflineStore } from "../offline/offline-store.ts";
import { importShippedTables } from "../offline/shipped.ts";
import type { Output } from "../output.ts";
import { loadRegions } from "../publication/shipped-files.ts";
import { type GlobalOptions, originFolder } from "../settings.ts";
import type { DemandHistory } from "../training/demand-history.ts";
import { loadDemandHistory } from "../training/history-from-store.ts";
import { WITHHELD_FEATURES } from "../training/withheld-features.ts";

export interface LearningFlags extends GlobalOptions {
  regions: string;
  judgeRegions: number;
  seed: number;
  threads?: number;
  withhold: string[];
}

const SHIPPED_REGIONS = "data/nyc/regions.json";

export function addLearningOptions(command: Command): Command {
  return command
    .option("--regions <file>", "the regions document whose regions are learned", SHIPPED_REGIONS)
    .option("--judge-regions <count>", "how many regions judge, the busiest", wholeNumber, 50)
    .option("--seed <number>", "the same seed and data give the same model", wholeNumber, 7)
    .option("--threads <count>", "training threads; all cores when left out", wholeNumber)
    .option("--withhold <names...>", "features that the trees do without", [...WITHHELD_FEATURES]);
}

export function learningOptionsFrom({ seed, threads, withhold }: LearningFlags) {
  return {
    seed,
    withheldFeatures: withhold,
    ...(threads === undefined ? {} : { threads }),
  };
}

/** Loads the history that the offline store has now. A store without bookings takes the shipped ones first, and says so. */
export async function loadHistory(
  flags: Pick<LearningFlags, "regions" | "dataDir">,
  output: Output,
): Promise<DemandHistory> {
  const { value } = await loadRegions(flags.regions);
  const regions = [...regionsFrom(regionsDocumentSchema.parse(value)).values()];
  const store: OfflineStore = await openOfflineStore(originFolder(flags));
  const load = () => loadDemandHistory(store, regions, epochMs(Date.now()));
  try {
    const known = await load();
    if (known !== null) return known;
    output.line(`${originFolder(flags)} holds no bookings: taking the shipped ones of New York.`);
    await importShippedTables(store, new Date());
    const shipped = await load();
    if (shipped === null) throw new Error("the shipped tables hold no bookings");
    return shipped;
  } finally {
    store.close();
  }
}

/** A time on the command line, RFC 3339. */
export function instantFrom(text: string): EpochMs {
  const parsed = instantSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError("Not an RFC 3339 time such as 2014-05-18T04:00:00Z.");
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError("Not a whole number from 1.");
}
