/**
 * What browsers may do with public keys from pages of other origins.
 *
 * A key is a header that a page sets itself, never a cookie, so a foreign page can do nothing with it that its owner could not do
 * anyhow; the list of origins keeps honest browsers in order. Keys of servers get no such headers: they do not belong into pages.
 */

/** The variable's word for every origin. */
const ANY = "*";
/** How long a browser may remember what it was told, in seconds; none keeps it longer than two hours. */
const REMEMBERED_S = 7_200;
const ALLOWED_HEADERS = [
  "authorization",
  "content-type",
  "content-encoding",
  "traceparent",
  "ce-id",
  "ce-source",
  "ce-specversion",
  "ce-subject",
  "ce-time",
  "ce-type",
].join(", ");
const EXPOSED_HEADERS = "ratelimit, ratelimit-policy, retry-after, x-trace-id, server-timing";

export interface Cors {
  /** The answer to a browser that asks whether a page may send `methods`, or null when it does not ask that. */
  preflight(request: Request, methods: readonly string[]): Response | null;
  /** Lets the page that sent the request read the response. */
  allow(request: Request, response: Response): void;
}

/** `allowedOrigins` as CORS_ALLOWED_ORIGINS has them: `*`, or origins with blanks between. Throws on what is no origin. */
export function corsFrom(allowedOrigins: string): Cors {
  const origins = new Set(allowedOrigins.split(/[\s,]+/).filter((text) => text !== ""));
  for (const origin of origins) {
    if (origin !== ANY && URL.parse(origin)?.origin !== origin) {
      throw new RangeError(`CORS_ALLOWED_ORIGINS names "${origin}", which is no origin`);
    }
  }
  const isAny = origins.has(ANY);
  const allowedFor = (request: Request): string | null => {
    const origin = request.headers.get("origin");
    if (origin === null) return null;
    if (isAny) return ANY;
    return origins.has(origin) ? origin : null;
  };

  return {
    preflight(request, methods) {
      const { headers } = request;
      if (request.method !== "OPTIONS" || !headers.has("access-control-request-method"))
        return null;
      const answer = new Headers();
      if (!isAny) answer.set("vary", "origin");
      const allowed = allowedFor(request);
      if (allowed !== null) {
        answer.set("access-control-allow-origin", allowed);
        answer.set("access-control-allow-methods", methods.join(", "));
        answer.set("access-control-allow-headers", ALLOWED_HEADERS);
        answer.set("access-control-max-age", String(REMEMBERED_S));
      }
      return new Response(null, { status: 204, headers: answer });
    },
    allow(request, response) {
      if (!isAny) response.headers.append("vary", "origin");
      const allowed = allowedFor(request);
      if (allowed === null) return;
      response.headers.set("access-control-allow-origin", allowed);
      response.headers.set("access-control-expose-headers", EXPOSED_HEADERS);
    },
  };
}
