import { reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { deflateSync, gzipSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { publishRegions } from "../../support/publish-regions.ts";
import { type ProblemAnswer, postBody, SENT } from "./post-body.ts";

beforeEach(async () => {
  await reset();
  await publishRegions(env.CONFIG);
});

describe("Content-Encoding", () => {
  const text = JSON.stringify(SENT);
  const packed = (coding: string, body: Uint8Array) => ({
    headers: { "content-type": "application/json", "content-encoding": coding },
    body: Uint8Array.from(body),
  });
  it.each([
    ["gzip", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    ["GZIP", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["identity", Buffer.from(text)],
  ])("%s is taken", async (coding, body) => {
    expect(await (await postBody(packed(coding, body))).json()).toEqual({
      accepted: 2,
      rejected: [],
    });
  });

  it.each(["br", "zstd", "gzip, gzip", "deflate, gzip", "nonsense"])(
    "%s is refused, and what is taken is said",
    async (coding) => {
      const response = await postBody(packed(coding, Buffer.from(text)));
      expect(response.status).toBe(415);
      expect(response.headers.get("accept-encoding")).toBe("gzip, deflate, identity");
      expect((await response.json<ProblemAnswer>()).type).toBe(
        "/docs/problems#unsupported_content_coding",
      );
    },
  );

  it("may not unfold to more than a body may have", async () => {
    const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024));
    const response = await postBody(packed("gzip", bomb));
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining("inflated") });
  });

  it.each([
    ["cut short", gzipSync(text).subarray(0, 40)],
    ["none at all", Buffer.from(text)],
    ["empty", Buffer.alloc(0)],
  ])("is a client's mistake where it is %s", async (_, body) => {
    const response = await postBody(packed("gzip", body));
    expect(response.status).toBe(400);
    expect((await response.json<ProblemAnswer>()).type).toBe("/docs/problems#malformed_body");
  });
});
