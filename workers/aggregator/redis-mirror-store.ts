import { featuresKey, MIRROR_TTL_S } from "../../contract/feature-mirror.ts";
import type { MirrorStore } from "./feature-mirror.ts";

/**
 * One command, so that it is billed once and nobody reads half of it: fields that are no longer known go, and the hash has its end
 * from the moment it is there. A write that was given up may arrive after the next one; then it is too late.
 */
const REPLACE = `
local known = redis.call('HGET', KEYS[1], 'made_at')
if known and known > ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
`;
const LIMIT_MS = 1_000;

/** A Redis that Upstash serves over HTTP. */
export function redisMirrorStore(url: string, token: string): MirrorStore {
  return {
    async replace(regionId, fields) {
      // Read when it is needed: most deployments have no mirror.
      const { Redis } = await import("@upstash/redis/cloudflare");
      const redis = new Redis({
        ...{ url, token, retry: false, readYourWrites: false, enableTelemetry: false },
        signal: () => AbortSignal.timeout(LIMIT_MS),
      });
      const args = [String(MIRROR_TTL_S), fields.made_at ?? "", ...Object.entries(fields).flat()];
      const written = await redis.eval<string[], number>(REPLACE, [featuresKey(regionId)], args);
      if (written !== 0 && written !== 1) throw new TypeError(`not an answer: ${written}`);
      return written === 1 ? "written" : "outdated";
    },
  };
}
