/**
 * Identity providers whose tokens are accepted, as the variable JWT_ISSUERS names them.
 *
 * What a provider calls its groups means nothing here until the configuration says so: a role is given by a word of theirs that is
 * mapped to one of ours, never because two words happen to be the same.
 */
import * as z from "zod";
import type { RegionId } from "../domain/units.ts";
import { PERMISSIONS, type Permission, type Principal, ROLE_PERMISSIONS, ROLES } from "./access.ts";
import type { LimitSalt } from "./api-keys.ts";
import { keyLimitsFrom, keyLimitsSchema } from "./limit-policy.ts";
import { regionIdSchema } from "./names.ts";

/** Signatures with a public key only: with a shared secret, whoever can check a token can make one. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

/** A public key (RFC 7517). Others of a set, symmetric ones among them, are passed over. */
const publicKeySchema = z.looseObject({
  kty: z.enum(["RSA", "EC", "OKP"]),
  d: z.never({ error: "A private key has no place here." }).exactOptional(),
});
const jwksSchema = z.strictObject({ keys: z.array(publicKeySchema).min(1).max(50) });

const httpsSchema = z.url({ protocol: /^https$/, error: "Keys are fetched by https only." });
/** For identity providers on the machine at hand. */
const loopbackSchema = z.url({ protocol: /^http$/, hostname: /^(127\.0\.0\.1|localhost)$/ });

const claim = z.string().min(1).max(256);

const issuerSchema = z
  .strictObject({
    /** Stands before the subject where the audit says who: `jwt_<name>:<subject>`. */
    name: z.string().regex(/^[a-z0-9-]{1,32}$/),
    /** As `iss` has it, to the letter. */
    issuer: z.string().min(1).max(512),
    audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
    jwks_uri: z.union([httpsSchema, loopbackSchema]).exactOptional(),
    jwks: jwksSchema.exactOptional(),
    algorithms: z.array(z.enum(ALGORITHMS)).min(1),
    /** What `typ` may be. Access tokens are `at+jwt` (RFC 9068); some providers say `JWT`. */
    types: z.array(z.string().min(1)).min(1).default(["at+jwt"]),
    /** The claim that holds groups or roles of theirs, and what each is here. */
    roles: z
      .strictObject({ claim, map: z.record(z.string().min(1), z.enum(ROLES)) })
      .exactOptional(),
    /** A claim that holds permissions by their names here. */
    permissions: z.strictObject({ claim }).exactOptional(),
    /** A claim that holds region ids, `*` for all. A token without it may name none. Absent: tokens are for all regions. */
    regions: z.strictObject({ claim }).exactOptional(),
    /** Of each subject; as docs/limits.md says. */
    limits: keyLimitsSchema.exactOptional(),
  })
  .refine(({ jwks, jwks_uri }) => (jwks === undefined) !== (jwks_uri === undefined), {
    error: "Give jwks_uri or jwks.",
  })
  .refine(({ roles, permissions }) => roles !== undefined || permissions !== undefined, {
    error: "Say with roles or permissions what a token may do.",
  });
export type JwtIssuer = z.output<typeof issuerSchema>;

/** Reads JWT_ISSUERS; empty text is none. Throws on what is wrong: a deployment that trusts half a provider must not start. */
export function parseJwtIssuers(text: string): JwtIssuer[] {
  if (text.trim() === "") return [];
  const issuers = z.array(issuerSchema).max(20).parse(JSON.parse(text));
  for (const field of ["name", "issuer"] as const) {
    if (new Set(issuers.map((one) => one[field])).size < issuers.length) {
      throw new TypeError(`JWT_ISSUERS has two issuers of the same ${field}`);
    }
  }
  return issuers;
}

type Claims = Record<string, unknown>;

/** Whom a verified token speaks for; null when it does not say. */
export function subjectPrincipal(
  issuer: JwtIssuer,
  claims: Claims,
  limitSalt: LimitSalt,
): Principal | null {
  const subject = subjectSchema.safeParse(claims.sub);
  if (!subject.success) return null;
  const keyId = `jwt_${issuer.name}:${subject.data}`;
  const roles = rolesOf(issuer, claims);
  const granted = issuer.permissions ? wordsAt(claims, issuer.permissions.claim) : [];
  return {
    keyId,
    roles,
    isPublic: false,
    permissions: new Set<Permission>([
      ...roles.flatMap((role) => ROLE_PERMISSIONS[role]),
      ...PERMISSIONS.filter((permission) => granted.includes(permission)),
    ]),
    regions: issuer.regions ? scopeFrom(wordsAt(claims, issuer.regions.claim)) : null,
    isLimited: true,
    limits: keyLimitsFrom({
      isTrusted: false,
      isPublic: false,
      requestsPerMinute: undefined,
      limits: issuer.limits,
    }),
    limitSalt: limitSalt(keyId),
  };
}

/** It ends up in the audit and in log lines. */
const subjectSchema = z.string().regex(/^[\x21-\x7e]{1,128}$/);

function rolesOf({ roles }: JwtIssuer, claims: Claims) {
  if (!roles) return [];
  const theirs = wordsAt(claims, roles.claim);
  return [
    ...new Set(
      theirs.flatMap((word) => (Object.hasOwn(roles.map, word) ? (roles.map[word] ?? []) : [])),
    ),
  ];
}

function scopeFrom(words: readonly string[]): ReadonlySet<RegionId> | null {
  if (words.includes("*")) return null;
  return new Set(words.flatMap((word) => regionIdSchema.safeParse(word).data ?? []));
}

/** The words of a claim: a list, or a text with blanks between. `a.b` is also found as b inside of a. */
function wordsAt(claims: Claims, name: string): string[] {
  const value = Object.hasOwn(claims, name) ? claims[name] : nested(claims, name.split("."));
  if (typeof value === "string") return value.split(" ").filter((word) => word !== "");
  return Array.isArray(value) ? value.filter((word) => typeof word === "string") : [];
}

function nested(value: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return value;
  const isInside = typeof value === "object" && value !== null && Object.hasOwn(value, name);
  return isInside ? nested((value as Claims)[name], rest) : undefined;
}
