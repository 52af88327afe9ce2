/** Keys that exist in tests only. */
import { createHash } from "node:crypto";

export const TEST_KEYS = {
  admin: "test-admin",
  ingest: "test-ingest",
  pricing: "test-pricing",
  viewer: "test-viewer",
  analyst: "test-analyst",
  "pricing-manager": "test-pricing-manager",
  operator: "test-operator",
  /** An ingest key that may make two requests a minute beyond its burst of 100. */
  limited: "test-limited",
  /** A public key: 1,000 a minute per user, 5,000 per address. */
  public: "test-public",
  /** Keys for the region TEST_SCOPE only. */
  scoped: "test-scoped",
  "scoped-admin": "test-scoped-admin",
  /** A server's key with a limit per region: five events at once, one a minute. */
  regional: "test-regional",
} as const;

export const TEST_SCOPE = "nyc-161";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** The API_KEYS secret of the Workers under test. */
export const TEST_API_KEYS = JSON.stringify([
  { id: "key_admin", role: "admin", sha256: sha256(TEST_KEYS.admin) },
  { id: "key_ingest", role: "ingest", sha256: sha256(TEST_KEYS.ingest) },
  { id: "key_pricing", role: "pricing", sha256: sha256(TEST_KEYS.pricing) },
  {
    id: "key_limited",
    role: "ingest",
    sha256: sha256(TEST_KEYS.limited),
    requests_per_minute: 2,
  },
  { id: "key_viewer", role: "viewer", sha256: sha256(TEST_KEYS.viewer) },
  { id: "key_analyst", role: "analyst", sha256: sha256(TEST_KEYS.analyst) },
  {
    id: "key_pricingmanager",
    role: "pricing-manager",
    sha256: sha256(TEST_KEYS["pricing-manager"]),
  },
  { id: "key_operator", role: "operator", sha256: sha256(TEST_KEYS.operator) },
  { id: "key_scoped", role: "ingest", sha256: sha256(TEST_KEYS.scoped), regions: [TEST_SCOPE] },
  {
    id: "key_scopedadmin",
    role: "admin",
    sha256: sha256(TEST_KEYS["scoped-admin"]),
    regions: [TEST_SCOPE],
  },
  { id: "key_public", role: "public", sha256: sha256(TEST_KEYS.public) },
  {
    id: "key_regional",
    role: "ingest",
    sha256: sha256(TEST_KEYS.regional),
    limits: { per_region: { requests_per_minute: 1, burst: 5 } },
  },
]);

export const TEST_USER_HASH_KEY = "a secret of tests";

/** The headers of a request with a key. */
export function bearer(key: string): { authorization: string } {
  return { authorization: `Bearer ${key}` };
}
