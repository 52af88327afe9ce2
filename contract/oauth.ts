/** The token endpoint on the wire: OAuth 2.0, the client credentials grant (RFC 6749, 4.4). */
import * as z from "zod";

export const TOKEN_REQUEST_TYPE = "application/x-www-form-urlencoded";
export const MAX_TOKEN_BODY_BYTES = 8 * 1024;

/** As a form. The client may be named by HTTP Basic instead. */
export const tokenRequestSchema = z.object({
  grant_type: z.literal("client_credentials"),
  /** Permissions with blanks between; without it all that the key has. */
  scope: z.string().optional(),
  /** Id of the key. */
  client_id: z.string().optional(),
  /** The key. */
  client_secret: z.string().optional(),
});

export const tokenAnswerSchema = z.object({
  access_token: z.string(),
  token_type: z.literal("Bearer"),
  /** Seconds. */
  expires_in: z.int(),
  scope: z.string(),
});
export type TokenAnswer = z.infer<typeof tokenAnswerSchema>;

/** Of RFC 6749, 5.2; `slow_down` is RFC 8628's, `temporarily_unavailable` is what a client may try again. */
export const OAUTH_ERRORS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_scope: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  slow_down: 429,
  temporarily_unavailable: 503,
} as const;
export type OAuthError = keyof typeof OAUTH_ERRORS;

export const oauthErrorSchema = z.object({
  error: z.enum(Object.keys(OAUTH_ERRORS) as [OAuthError, ...OAuthError[]]),
  error_description: z.string(),
});
