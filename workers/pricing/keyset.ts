/** Pages by place, not by number: what is added or removed meanwhile neither repeats nor hides a row. */
import { Buffer } from "node:buffer";
import { and, type Column, eq, lt, or, type SQL } from "drizzle-orm";
import type { Problem } from "../../contract/problem.ts";

/** A place in a list that is ordered by an instant, and by id where instants are the same. */
export interface Place {
  at: number;
  id: string;
}

/** A place as the wire writes it; opaque to whoever hands it back. */
export function placeText({ at, id }: Place): string {
  return Buffer.from(`${at} ${id}`).toString("base64url");
}

/** The place a text names, or null when it names none. */
export function placeOf(text: string): Place | null {
  const match = /^(\d{1,16}) (.+)$/.exec(Buffer.from(text, "base64url").toString());
  const [, at, id] = match ?? [];
  return at === undefined || id === undefined ? null : { at: Number(at), id };
}

/** Where the page asked for begins: behind a place, or, without one, at the start. */
export function pageAfter(after: string | undefined): { place: Place | null } | Problem {
  if (after === undefined) return { place: null };
  const place = placeOf(after);
  const detail = "Not the `next` of a page.";
  return place ? { place } : { type: "invalid_request", errors: [{ path: "after", detail }] };
}

/** What comes behind a place, the newest first; everything without one. */
export function isBehind(place: Place | null, at: Column, id: Column): SQL | undefined {
  if (place === null) return undefined;
  return or(lt(at, place.at), and(eq(at, place.at), lt(id, place.id)));
}
