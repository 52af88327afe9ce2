/** What buckets are called outside an isolate. Nobody can tell from a name whose bucket it is. */
import { createHmac } from "node:crypto";
import type { PolicyKind } from "./limit-policy.ts";

/** Ledger objects of each kind of policy. Few, so that what an isolate asks at a time goes in few calls. */
const OBJECTS_PER_KIND = 8;
const NAME_BYTES = 16;

export interface BucketName {
  /** The ledger object that has the bucket: the kind and a number. */
  object: string;
  /** 128 bits of an HMAC-SHA256, in hex. */
  bucket: string;
}

/** Names the bucket of `id` under a policy. `salt` is the policy's, and secret. */
export function bucketNameOf(kind: PolicyKind, salt: string, id: string): BucketName {
  const digest = createHmac("sha256", salt).update(`${kind}\n${id}`).digest();
  const bucket = digest.toString("hex", 0, NAME_BYTES);
  if (kind === "global") return { object: kind, bucket };
  return { object: `${kind}-${(digest[NAME_BYTES] ?? 0) % OBJECTS_PER_KIND}`, bucket };
}

/** Where Cloudflare saw a request come from; only it can set this header on the way to a Worker. */
const CLIENT_HEADER = "cf-connecting-ip";
const NOWHERE = "local";
const NETWORK_GROUPS = 4;

/** Whose address a request comes from: an IPv4 address, or the /64 network of an IPv6 one, for those are a household's. */
export function networkOf(headers: Headers): string {
  const address = headers.get(CLIENT_HEADER);
  if (address === null) return NOWHERE;
  if (!address.includes(":")) return address;
  const mapped = address.slice(address.lastIndexOf(":") + 1);
  if (mapped.includes(".")) return mapped;
  const [head = "", tail] = address.toLowerCase().split("::");
  const first = head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return groups
    .slice(0, NETWORK_GROUPS)
    .map((group) => group.replace(/^0+(?=.)/, "") || "0")
    .join(":");
}
