/** The event log as it lies in R2: contract/event-log.ts says under which keys. */
import {
  EVENT_LOG_PREFIX,
  type Segment,
  segmentKey,
  segmentMetadataSchema,
  sequenceOf,
  writerPrefix,
} from "../../contract/event-log.ts";
import { instantText } from "../../contract/names.ts";

/** R2 deletes and lists so many at a time. */
const PAGE = 1_000;

export interface SegmentPage {
  segments: Segment[];
  more: boolean;
}

/** What readers of the log and its retention need of a store. */
export interface EventLogStore {
  /** Every writer with a segment that is kept. */
  writers(): Promise<string[]>;
  /** Up to `limit` segments of a writer that come after `sequence`, in order. */
  segmentsAfter(writer: string, sequence: number, limit: number): Promise<SegmentPage>;
  /** The bytes of a segment, or null when there is none. */
  read(writer: string, sequence: number): Promise<ReadableStream<Uint8Array> | null>;
  /** Deletes segments written before `at` (wall clock), of each writer the oldest first; answers how many. */
  forgetBefore(at: number): Promise<number>;
}

export function eventLogStoreFrom(bucket: R2Bucket): EventLogStore {
  async function writers(): Promise<string[]> {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const options = { prefix: EVENT_LOG_PREFIX, delimiter: "/" };
      const page = await bucket.list(cursor === undefined ? options : { ...options, cursor });
      const prefixes = page.delimitedPrefixes;
      found.push(...prefixes.map((prefix) => prefix.slice(EVENT_LOG_PREFIX.length, -1)));
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor !== undefined);
    return found;
  }

  /** Deletes what is too old from the front of a writer's segments, so that what stays has no holes. */
  async function forget(writer: string, at: number): Promise<number> {
    let forgotten = 0;
    for (;;) {
      const page = await bucket.list({ prefix: writerPrefix(writer), limit: PAGE });
      const firstKept = page.objects.findIndex(({ uploaded }) => uploaded.getTime() >= at);
      const old = firstKept < 0 ? page.objects : page.objects.slice(0, firstKept);
      if (old.length > 0) await bucket.delete(old.map(({ key }) => key));
      forgotten += old.length;
      if (!page.truncated || firstKept >= 0) return forgotten;
    }
  }

  return {
    writers,

    async segmentsAfter(writer, sequence, limit) {
      const segments: Segment[] = [];
      let startAfter = segmentKey(writer, sequence);
      for (;;) {
        const page = await bucket.list({
          prefix: writerPrefix(writer),
          startAfter,
          limit: limit - segments.length,
          include: ["customMetadata"],
        });
        segments.push(...page.objects.flatMap((object) => segmentFrom(object, writer)));
        // A page may hold fewer than asked for, because of the metadata.
        startAfter = page.objects.at(-1)?.key ?? startAfter;
        if (!page.truncated) return { segments, more: false };
        if (segments.length >= limit) return { segments, more: true };
      }
    },

    async read(writer, sequence) {
      const object = await bucket.get(segmentKey(writer, sequence));
      return object ? object.body : null;
    },

    async forgetBefore(at) {
      let forgotten = 0;
      for (const writer of await writers()) forgotten += await forget(writer, at);
      return forgotten;
    },
  };
}

/** A segment as a list shows it; nothing for what someone else put there. */
function segmentFrom(object: R2Object, writer: string): Segment[] {
  const sequence = sequenceOf(object.key, writer);
  const metadata = segmentMetadataSchema.safeParse(object.customMetadata);
  if (sequence === null || !metadata.success) return [];
  const { records, first_at, last_at } = metadata.data;
  return [
    {
      sequence,
      bytes: object.size,
      records: Number(records),
      written_at: instantText(object.uploaded.getTime()),
      first_at,
      last_at,
    },
  ];
}
