import { createBreaker } from "../../contract/breaker.ts";
import { SECOND_MS } from "../../domain/units.ts";
import { FeatureMirror, type MirrorPorts } from "./feature-mirror.ts";
import { redisMirrorStore } from "./redis-mirror-store.ts";

/** Secrets of those who want a mirror; without both there is none. */
export interface MirrorEnv {
  UPSTASH_REDIS_REST_URL?: string;
  UPSTASH_REDIS_REST_TOKEN?: string;
}

/** Regions of an isolate share it. */
const breaker = createBreaker({ failuresToOpen: 3, openMs: 5 * SECOND_MS });

/** The mirror of one region, or null where none is configured. */
export function featureMirrorFrom(
  { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token }: MirrorEnv,
  ports: Pick<MirrorPorts, "wallNow" | "log" | "metrics">,
): FeatureMirror | null {
  if (!url || !token) return null;
  return new FeatureMirror({ store: redisMirrorStore(url, token), breaker, ...ports });
}
