/** Segments of the decision log as they lie in R2, under keys of contract/decision-log.ts. */
import type { Stretch } from "./compose-segment.ts";

export interface SegmentStore {
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** The bytes of a segment, or null when there is none. */
  read(key: string): Promise<ReadableStream<Uint8Array> | null>;
  /** The text of one record, or null when there is no such segment. */
  readRecord(key: string, stretch: Stretch): Promise<string | null>;
  /** Those that are not there are not missed. At most 1,000. */
  forget(keys: readonly string[]): Promise<void>;
}

export function segmentStoreFrom(bucket: R2Bucket): SegmentStore {
  return {
    async put(key, bytes) {
      await bucket.put(key, bytes);
    },
    async read(key) {
      const object = await bucket.get(key);
      return object === null ? null : object.body;
    },
    async readRecord(key, { start, length }) {
      const object = await bucket.get(key, { range: { offset: start, length } });
      return object === null ? null : object.text();
    },
    async forget(keys) {
      if (keys.length > 0) await bucket.delete([...keys]);
    },
  };
}
