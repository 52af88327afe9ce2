import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRateLimiter, rateLimitHeaders } from "../../contract/rate-limit.ts";

const limit = { requestsPerMinute: 600, burst: 5 };

describe("createRateLimiter()", () => {
  it("allows the burst at once, then one request for each refilled token", () => {
    const take = createRateLimiter();
    const first = Array.from({ length: 6 }, () => take("a", limit, 0));
    expect(first.map(({ allowed }) => allowed)).toEqual([true, true, true, true, true, false]);
    expect(first[5]).toEqual({ allowed: false, remaining: 0, resetS: 1, retryAfterS: 1 });
    expect(take("a", limit, 100).allowed).toBe(true);
    expect(take("a", limit, 101).allowed).toBe(false);
  });

  it("counts each key for itself", () => {
    const take = createRateLimiter();
    for (let i = 0; i < 5; i++) take("a", limit, 0);
    expect(take("a", limit, 0).allowed).toBe(false);
    expect(take("b", limit, 0).allowed).toBe(true);
  });

  it("never allows more than burst + rate * time, whatever the clock does", () => {
    const steps = fc.array(fc.integer({ min: -50, max: 400 }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (pauses) => {
        const take = createRateLimiter();
        let now = 0;
        let forward = 0;
        let allowed = 0;
        for (const pause of pauses) {
          now += pause;
          forward += Math.max(0, pause);
          if (take("a", limit, now).allowed) allowed++;
        }
        expect(allowed).toBeLessThanOrEqual(limit.burst + forward / 100 + 1e-6);
      }),
    );
  });

  it("says which limit was met, and when it is over, in the RateLimit headers", () => {
    expect(rateLimitHeaders({ kind: "user", limit, resetS: 3 })).toEqual({
      ratelimit: '"user";r=0;t=3',
      "ratelimit-policy": '"user";q=600;w=60',
    });
  });
});
