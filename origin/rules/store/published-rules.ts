/** Rules in KV: an immutable key for each version, a pointer to the one in force, and the order in which they were. */
import { z } from "zod";
import { regionsDocumentSchema, regionsFrom } from "../../../contract/regions.ts";
import { rulesFrom, rulesVersionOf } from "../../../contract/rules.ts";
import { POINTER, RULES_HISTORY, regionsKey, rulesKey } from "../../../contract/store-keys.ts";
import type { Region } from "../../../domain/region.ts";
import { faultsInRegions } from "../../../domain/rule-faults.ts";
import type { RulesVersion } from "../../../domain/units.ts";
import type { ConfigKv } from "./config-kv.ts";

/** One move of the pointer by the command line. */
const moveSchema = z.object({
  version: z.string(),
  before: z.string().nullable(),
  at: z.string(),
  by: z.string(),
  how: z.enum(["push", "rollback"]),
});
export type PointerMove = z.infer<typeof moveSchema>;
const MAX_MOVES = 100;

export interface PublishedState {
  /** Version in force; null while nothing was published. */
  current: RulesVersion | null;
  /** The newest first. */
  moves: PointerMove[];
  /** Those that the edge prices now; null while none were published. */
  regions: Region[] | null;
}

export interface Refusal {
  reason: "unknown_version" | "unsound" | "nothing_before";
  detail: string;
}

export function isRefusal(result: unknown): result is Refusal {
  return typeof result === "object" && result !== null && "reason" in result;
}

export async function readPublished(kv: ConfigKv): Promise<PublishedState> {
  const [pointed, regionsVersion, history] = await kv.read([
    POINTER.rules,
    POINTER.regions,
    RULES_HISTORY,
  ]);
  const moves = history ? z.array(moveSchema).parse(JSON.parse(history)) : [];
  const current = pointed ? await versionPointedAt(kv, pointed.trim()) : null;
  const regions = regionsVersion ? await readRegions(kv, regionsVersion.trim()) : null;
  return { current, moves, regions };
}

/** The document of a version, or of `current`. */
export async function readVersion(kv: ConfigKv, version: string): Promise<unknown | Refusal> {
  const name = version === "current" ? (await readPublished(kv)).current : version;
  const [text] = name === null ? [null] : await kv.read([rulesKey(name as RulesVersion)]);
  if (text) return JSON.parse(text);
  return { reason: "unknown_version", detail: `${kv.where} has no rules ${version}` };
}

/** Everything that keeps rules from pricing the regions, a line each; null when nothing does. */
export function faultsText(json: unknown, regions: readonly Region[] | null): string | null {
  const rules = rulesFrom(json);
  const faults = Array.isArray(rules) ? rules : faultsInRegions(rules.document, regions ?? []);
  if (faults.length === 0) return null;
  return faults.map(({ path, detail }) => `  ${path}: ${detail}`).join("\n");
}

/** Writes the version under its own key: nobody prices by it yet. */
export async function putVersion(kv: ConfigKv, json: unknown): Promise<RulesVersion> {
  const version = rulesVersionOf(json);
  await kv.put(rulesKey(version), JSON.stringify(json));
  return version;
}

/** Moves the pointer, last of all: what it names is in place. */
export async function movePointer(
  kv: ConfigKv,
  { moves }: PublishedState,
  move: PointerMove,
): Promise<void> {
  await kv.put(RULES_HISTORY, JSON.stringify([move, ...moves].slice(0, MAX_MOVES)));
  await kv.put(POINTER.rules, move.version);
}

/**
 * The version that was in force before the current one. Null where the command line did not bring the current one into force, and so
 * cannot know.
 */
export function versionBefore({ current, moves }: PublishedState): string | null {
  const move = moves.find(({ version }) => version === current);
  return move?.before ?? null;
}

const VERSION = /^rul_[0-9a-f]{12}$/;

/** Bare wrangler may have put a label, or the document itself, where a version stands otherwise. */
async function versionPointedAt(kv: ConfigKv, pointed: string): Promise<RulesVersion | null> {
  if (VERSION.test(pointed)) return pointed as RulesVersion;
  const [text] = pointed.startsWith("{")
    ? [pointed]
    : await kv.read([rulesKey(pointed as RulesVersion)]);
  if (!text) return null;
  try {
    // What cannot be used the edge refuses too, and goes on with what it had: that was never in force.
    const rules = rulesFrom(JSON.parse(text));
    return Array.isArray(rules) ? null : rules.version;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

async function readRegions(kv: ConfigKv, version: string): Promise<Region[] | null> {
  const [text] = await kv.read([regionsKey(version)]);
  return text ? [...regionsFrom(regionsDocumentSchema.parse(JSON.parse(text))).values()] : null;
}
