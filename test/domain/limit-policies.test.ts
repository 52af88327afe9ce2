import { describe, expect, it } from "vitest";
import { hashOfKey, parseApiKeys } from "../../contract/api-keys.ts";
import { corsFrom } from "../../contract/cors.ts";
import { DeployedKeys } from "../../contract/deployed-keys.ts";
import { bucketNameOf, networkOf } from "../../contract/limit-names.ts";
import { globalLimitFrom } from "../../contract/limit-policy.ts";

const sha256 = hashOfKey("secret");
function limitsOf(fields: object) {
  const keys = parseApiKeys(JSON.stringify([{ id: "key_test", sha256, ...fields }]));
  const principal = new DeployedKeys(keys).find("secret");
  if (!principal) throw new Error("the key is not known");
  return principal;
}
const per = (requestsPerMinute: number, burst: number) => ({ requestsPerMinute, burst });

describe("the policies of a key", () => {
  it("of a server are a high limit of its own, and none for users, addresses and regions", () => {
    expect(limitsOf({ role: "pricing" }).limits).toEqual({
      ...{ key: per(1_000_000, 16_667), user: null, ip: null, region: null },
    });
  });

  it("in browsers are 1,000 a minute per user and 5,000 per address, 100 at once", () => {
    const expected = { user: per(1_000, 100), ip: per(5_000, 100), region: null };
    expect(limitsOf({ role: "public" }).limits).toMatchObject(expected);
    expect(limitsOf({ role: "ingest", public: true }).limits).toMatchObject(expected);
  });

  it("of an administrator are none at all", () => {
    expect(limitsOf({ role: "admin" }).isLimited).toBe(false);
  });

  it("say what they set, and null takes a default away", () => {
    const limits = {
      per_key: { requests_per_minute: 60, burst: 7 },
      per_user: null,
      per_region: { requests_per_minute: 12_000 },
    };
    expect(limitsOf({ role: "public", limits }).limits).toEqual({
      ...{ key: per(60, 7), user: null, ip: per(5_000, 100), region: per(12_000, 200) },
    });
  });

  it("go on reading requests_per_minute as a limit per key", () => {
    expect(limitsOf({ role: "pricing", requests_per_minute: 60 }).limits.key).toEqual(per(60, 100));
    expect(limitsOf({ role: "pricing", requests_per_minute: null }).limits.key).toBeNull();
  });

  const wrong: [string, object][] = [
    ["a policy that is not there", { role: "public", limits: { per_planet: null } }],
    ["a rate of nothing", { role: "public", limits: { per_user: { requests_per_minute: 0 } } }],
    ["a public administrator", { role: "admin", public: true }],
  ];
  it.each(wrong)("are refused with %s", (_, fields) => {
    expect(() => limitsOf(fields)).toThrow();
  });
});

describe("globalLimitFrom()", () => {
  it("reads requests a second, and 0 as no ceiling", () => {
    expect(globalLimitFrom("50000")).toEqual(per(3_000_000, 50_000));
    expect(globalLimitFrom("0")).toBeNull();
    for (const text of ["", "many", "-1", "0.5"]) expect(() => globalLimitFrom(text)).toThrow();
  });
});

describe("bucketNameOf()", () => {
  it("tells nothing of whose it is, and tells keys and policies apart", () => {
    const { object, bucket } = bucketNameOf("user", "salt", "ann@example.test");
    expect(object).toMatch(/^user-\d$/);
    expect(bucket).toMatch(/^[0-9a-f]{32}$/);
    expect(bucketNameOf("user", "salt", "ann@example.test")).toEqual({ object, bucket });
    expect(bucketNameOf("user", "other", "ann@example.test").bucket).not.toBe(bucket);
    expect(bucketNameOf("ip", "salt", "ann@example.test").bucket).not.toBe(bucket);
  });

  it("spreads users over the objects", () => {
    const names = Array.from({ length: 1_000 }, (_, n) => bucketNameOf("user", "s", `u-${n}`));
    expect(new Set(names.map(({ object }) => object)).size).toBe(8);
  });
});

describe("networkOf()", () => {
  const addresses: [string, string][] = [
    ["203.0.113.9", "203.0.113.9"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:DB8:0001:0002::9", "2001:db8:1:2"],
    ["2001:db8::9", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
  ];
  it.each(addresses)("takes %s as %s", (address, network) => {
    expect(networkOf(new Headers({ "cf-connecting-ip": address }))).toBe(network);
  });

  it("has a name for requests that Cloudflare did not pass on", () => {
    expect(networkOf(new Headers())).toBe("local");
  });
});

describe("corsFrom() with a list of origins", () => {
  const cors = corsFrom("https://shop.example https://app.example:8443");
  const asking = (origin: string) =>
    new Request("https://edge.example/", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });

  it("lets those pages in, by name, and no others", () => {
    const allowed = cors.preflight(asking("https://shop.example"), ["POST"]);
    expect(allowed?.headers.get("access-control-allow-origin")).toBe("https://shop.example");
    const refused = cors.preflight(asking("https://evil.example"), ["POST"]);
    expect(refused?.headers.get("access-control-allow-origin")).toBeNull();
    for (const response of [allowed, refused]) expect(response?.headers.get("vary")).toBe("origin");
  });

  it("marks answers as made for one origin, whoever asked", () => {
    const response = new Response();
    cors.allow(asking("https://evil.example"), response);
    expect(response.headers.get("vary")).toBe("origin");
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("refuses to start with what is no origin", () => {
    expect(() => corsFrom("shop.example")).toThrow();
    expect(() => corsFrom("https://shop.example/path")).toThrow();
  });
});
