/** Who is asking, what they may do, and where. How they prove who they are is in authenticate.ts. */
import type { RegionId } from "../domain/units.ts";
import type { KeyLimits } from "./limit-policy.ts";
import type { Problem } from "./problem.ts";

/** What can be allowed. Each is checked once, where the route is declared. */
export const PERMISSIONS = [
  "events:write",
  "prices:read",
  /** To have a price decided anew. */
  "prices:fresh",
  "prices:explain",
  "quotes:write",
  "quotes:redeem",
  "demand:read",
  "metrics:read",
  "decisions:read",
  "decisions:export",
  "rules:read",
  "rules:write",
  /** Caps and freezes that are in force within seconds. */
  "emergency:write",
  "experiments:read",
  "experiments:write",
  "regions:read",
  "regions:write",
  "models:read",
  "models:write",
  "features:read",
  /** Dead letters, late events, the event log, replay, seeds of history. */
  "operations",
  "keys:manage",
  /** Who changed what. */
  "audit:read",
] as const;
export type Permission = (typeof PERMISSIONS)[number];

const VIEWER: readonly Permission[] = [
  "demand:read",
  "prices:explain",
  "decisions:read",
  "rules:read",
  "experiments:read",
  "regions:read",
  "models:read",
  "features:read",
  "metrics:read",
];
const ANALYST: readonly Permission[] = [...VIEWER, "decisions:export", "audit:read", "prices:read"];
const PUBLIC: readonly Permission[] = ["events:write", "prices:read", "quotes:write"];

/** What each role may do. */
export const ROLE_PERMISSIONS = {
  admin: PERMISSIONS,
  /** Back ends of applications. */
  pricing: [
    "prices:read",
    "prices:explain",
    "quotes:write",
    "quotes:redeem",
    "demand:read",
    "metrics:read",
  ],
  ingest: ["events:write", "metrics:read"],
  /** Ships in browsers and apps, so anybody can have it. */
  public: PUBLIC,
  viewer: VIEWER,
  analyst: ANALYST,
  "pricing-manager": [...ANALYST, "rules:write", "experiments:write", "emergency:write"],
  operator: [
    ...VIEWER,
    "operations",
    "emergency:write",
    "regions:write",
    "models:write",
    "audit:read",
  ],
} as const satisfies Record<string, readonly Permission[]>;

export type Role = keyof typeof ROLE_PERMISSIONS;
export const ROLES = Object.keys(ROLE_PERMISSIONS) as Role[];

const PUBLIC_PERMISSIONS: ReadonlySet<Permission> = new Set(PUBLIC);

/** True for what keys in browsers may do. */
export function isForPublic(permission: Permission): boolean {
  return PUBLIC_PERMISSIONS.has(permission);
}

export interface Principal {
  /** Id of the key: in the audit, and whose limits count. */
  keyId: string;
  roles: readonly Role[];
  /** The key ships in browsers and apps. */
  isPublic: boolean;
  permissions: ReadonlySet<Permission>;
  /** The only regions it may name; null for all there are. */
  regions: ReadonlySet<RegionId> | null;
  /** False: under no limit at all. */
  isLimited: boolean;
  limits: KeyLimits;
  /** Under which whoever uses the key is hashed; nobody outside knows it. */
  limitSalt: string;
}

/** The problem of naming a region outside one's scope; null when there is none. An open route has no principal. */
export function forbiddenRegion(principal: Principal | null, regionId: RegionId): Problem | null {
  if (principal === null || principal.regions === null || principal.regions.has(regionId)) {
    return null;
  }
  const detail = `The key is for other regions than ${regionId}.`;
  return { type: "forbidden_region", detail };
}

/** The problem of a route that concerns every region, for who may touch some only. */
export function forbiddenEverywhere(principal: Principal | null): Problem | null {
  if (principal === null || principal.regions === null) return null;
  const detail = "This concerns every region, and the key is for some of them.";
  return { type: "forbidden_region", detail };
}
