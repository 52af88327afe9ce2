/** What was published from here, by kind. */
import { and, eq } from "drizzle-orm";
import type { OriginDatabase } from "../database/open-database.ts";
import { publications } from "../database/schema.ts";

export type PublicationKind = (typeof publications.kind.enumValues)[number];

/** The version that was published last, or null. `target` is the region of a history. */
export async function publishedVersion(
  database: OriginDatabase,
  kind: PublicationKind,
  target = "",
): Promise<string | null> {
  const [row] = await database
    .select({ version: publications.version })
    .from(publications)
    .where(and(eq(publications.kind, kind), eq(publications.target, target)));
  return row?.version ?? null;
}

/** Every region that was told its history. */
export async function seededRegions(database: OriginDatabase): Promise<Set<string>> {
  const rows = await database
    .select({ regionId: publications.target })
    .from(publications)
    .where(eq(publications.kind, "history"));
  return new Set(rows.map((row) => row.regionId));
}

export async function recordPublication(
  database: OriginDatabase,
  publication: { kind: PublicationKind; target?: string; version: string; publishedAt: Date },
): Promise<void> {
  const { kind, target = "", version, publishedAt } = publication;
  await database
    .insert(publications)
    .values({ kind, target, version, publishedAt })
    .onConflictDoUpdate({
      target: [publications.kind, publications.target],
      set: { version, publishedAt },
    });
}

/** Forgets everything: the edge that it was published to is not the one there is now. */
export async function forgetPublications(database: OriginDatabase): Promise<void> {
  await database.delete(publications);
}
