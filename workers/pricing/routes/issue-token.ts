/**
 * POST /oauth/token: a key is exchanged for a token that ends in a quarter of an hour (RFC 6749, 4.4).
 *
 * Answers are OAuth's, errors among them. Whoever guesses is held by a limit for each address, taken before anything is read.
 */

import type { Principal } from "../../../contract/access.ts";
import { scopeFrom, TOKEN_TYPE, tokenClaims } from "../../../contract/access-token.ts";
import { mediaTypeOf, readText } from "../../../contract/body.ts";
import type { DenialLog } from "../../../contract/denial.ts";
import type { KeyInForce, KeyRing } from "../../../contract/key-ring.ts";
import { requestLimit } from "../../../contract/limit-policy.ts";
import type { LimitRefusal } from "../../../contract/limit-refusal.ts";
import type { Limiter } from "../../../contract/limiter.ts";
import type { Metrics } from "../../../contract/metrics.ts";
import {
  MAX_TOKEN_BODY_BYTES,
  OAUTH_ERRORS,
  type OAuthError,
  TOKEN_REQUEST_TYPE,
  type TokenAnswer,
} from "../../../contract/oauth.ts";
import { rateLimitHeaders } from "../../../contract/rate-limit.ts";
import type { SigningKeys } from "../../../contract/signing-keys.ts";
import type { Call } from "../call.ts";
import type { Handler } from "../router.ts";
import { type ClientCredentials, clientCredentials } from "./client-credentials.ts";

export interface TokenPorts {
  ring: KeyRing;
  denials: DenialLog;
  limiter: Limiter;
  signingKeys: () => Promise<SigningKeys>;
  newTokenId: () => string;
  wallNow: () => number;
  metrics: Metrics;
}

/** A minute, and at once, from one address. A client asks four times an hour. */
const ATTEMPTS = requestLimit(60, 20);

interface Fault {
  error: OAuthError;
  description: string;
  headers?: Record<string, string>;
}

export function issueToken(ports: TokenPorts): Handler {
  const { ring, limiter, signingKeys, newTokenId, wallNow, metrics } = ports;
  const caller = attemptsOf(ring);
  const issued = metrics.counter("access_tokens_issued_total", "Access tokens given out.");
  const refuse = (fault: Fault) => {
    const { error } = fault;
    const help = "Requests for an access token that got none, by why.";
    metrics.counter("access_tokens_refused_total", help, { error }).value++;
    return faultResponse(fault);
  };

  return async (call) => {
    const allowance = await limiter.admit(caller, call.request.headers, call);
    if (allowance !== "allowed") return refuse(tooOften(allowance));
    const form = await readForm(call.request);
    if ("error" in form) return refuse(form);
    if (form.get("grant_type") !== "client_credentials") {
      const isAbsent = !form.has("grant_type");
      return refuse({
        error: isAbsent ? "invalid_request" : "unsupported_grant_type",
        description: "Send grant_type=client_credentials.",
      });
    }
    const credentials = clientCredentials(call.request.headers.get("authorization"), form);
    if (typeof credentials === "string") {
      return refuse({ error: "invalid_request", description: credentials });
    }
    const key = await authenticated(ports, credentials, call);
    if ("error" in key) return refuse(key);
    const used = await limiter.admit(key.principal, call.request.headers, call);
    if (used !== "allowed") return refuse(tooOften(used));
    const scope = scopeFrom(form.get("scope") ?? undefined, key.principal.permissions);
    if (scope === null) {
      const held = [...key.principal.permissions].join(" ");
      return refuse({ error: "invalid_scope", description: `The key may do: ${held}` });
    }
    const claims = tokenClaims(key, scope, { now: wallNow(), id: newTokenId() });
    const answer: TokenAnswer = {
      access_token: await (await signingKeys()).sign(claims, { typ: TOKEN_TYPE }),
      token_type: "Bearer",
      expires_in: claims.exp - claims.iat,
      scope: scope.join(" "),
    };
    issued.value++;
    return oauthResponse(answer, 200);
  };
}

/** The key that a client proves to have. */
async function authenticated(
  { ring, denials, wallNow }: TokenPorts,
  { id, secret, isBasic }: ClientCredentials,
  call: Call,
): Promise<KeyInForce | Fault> {
  const deployed = ring.findDeployed(secret);
  if (deployed === null && ring.isOverdue(wallNow())) await ring.renew(call);
  const found = deployed ?? ring.findManaged(secret, wallNow());
  if (typeof found === "string" && !ring.isKnown) {
    denials.note({ reason: "keys_unavailable" }, call.traceId);
    const description = "The list of keys cannot be read just now.";
    return { error: "temporarily_unavailable", description, headers: { "retry-after": "2" } };
  }
  if (typeof found === "string" || found.principal.keyId !== id) {
    denials.note({ reason: typeof found === "string" ? found : "unknown_key" }, call.traceId);
    return {
      error: "invalid_client",
      description: "client_id is the id of a key in force, client_secret the key.",
      headers: isBasic ? { "www-authenticate": 'Basic realm="token", charset="UTF-8"' } : {},
    };
  }
  // Everybody has it: a token of it would say nothing of who has that.
  if (found.principal.isPublic) {
    return { error: "unauthorized_client", description: "A public key gets no tokens." };
  }
  return found;
}

async function readForm(request: Request): Promise<URLSearchParams | Fault> {
  const invalid = (description: string): Fault => ({ error: "invalid_request", description });
  if (mediaTypeOf(request.headers.get("content-type")) !== TOKEN_REQUEST_TYPE) {
    return invalid(`Send the parameters as ${TOKEN_REQUEST_TYPE}.`);
  }
  const text = await readText(request, MAX_TOKEN_BODY_BYTES);
  if (typeof text !== "string") return invalid(text.detail ?? "The body is too large.");
  const form = new URLSearchParams(text);
  const names = [...form.keys()];
  if (new Set(names).size < names.length) return invalid("A parameter came twice.");
  return form;
}

function tooOften(refusal: LimitRefusal): Fault {
  const { retryAfterS } = refusal;
  const description = `Too many requests; come again in ${retryAfterS} s.`;
  const headers = { ...rateLimitHeaders(refusal), "retry-after": String(retryAfterS) };
  return { error: "slow_down", description, headers };
}

/** Whoever asks for a token, before it is known who that is: limited by address alone. */
function attemptsOf(ring: KeyRing): Principal {
  const keyId = "token-endpoint";
  return {
    ...{ keyId, roles: [], isPublic: true, permissions: new Set(), regions: null, isLimited: true },
    limits: { key: null, user: null, ip: ATTEMPTS, region: null },
    limitSalt: ring.limitSalt(keyId),
  };
}

function faultResponse({ error, description, headers = {} }: Fault): Response {
  return oauthResponse({ error, error_description: description }, OAUTH_ERRORS[error], headers);
}

function oauthResponse(
  body: object,
  status: number,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      pragma: "no-cache",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}
