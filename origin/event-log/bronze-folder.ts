/**
 * Where the event log lies in the offline store, and under which names.
 *
 *     bronze/events/topic=<topic>/date=<date>/<writer>-<first>-<last>.parquet
 *     bronze/signals/date=<date>/<writer>-<first>-<last>.parquet
 *     bronze/decisions/date=<date>/<writer>-<first>-<last>.parquet
 *
 * Hive partitions; a date is the UTC day on which the door received an event, by the event clock, or, of
 * decisions, on which they were made, by the wall clock. `<first>` and `<last>` are the
 * sequences of the segments that a file holds rows of; a file that replaced others is named after them.
 */
import type { bronzeFiles } from "../database/schema.ts";

export type BronzeEntity = (typeof bronzeFiles.entity.enumValues)[number];

/** One folder of Parquet files. */
export interface BronzePartition {
  entity: BronzeEntity;
  /** Of events; empty for all else. */
  topic: string;
  /** 2026-01-11 */
  date: string;
}

export const BRONZE_FOLDER = "bronze";
/** Segments that cannot be read lie here as they came. */
export const UNREADABLE_FOLDER = "bronze/unreadable";

/** Below the offline store. */
export function partitionFolder({ entity, topic, date }: BronzePartition): string {
  const topicFolder = entity === "events" ? `/topic=${topic}` : "";
  return `${BRONZE_FOLDER}/${entity}${topicFolder}/date=${date}`;
}

/** Name of the file that holds a range of a writer's segments. */
export function rangeFileName(writer: string, first: number, last: number): string {
  const digits = (sequence: number) => String(sequence).padStart(12, "0");
  return `${writer}-${digits(first)}-${digits(last)}.parquet`;
}

/** The UTC day of an instant. */
export function dateOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
