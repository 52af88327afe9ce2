import type { ShardProgress } from "../../contract/region-layout.ts";
import type { ByteReader, ByteWriter } from "../../domain/bytes.ts";
import type { EpochMs } from "../../domain/units.ts";
import type { ShardReport } from "./shard-report.ts";

interface Heard extends ShardProgress {
  /** Number of its last report that was added; it stands for as long as the shard's object does. */
  lastReport: number;
  keys: number;
}

const NEVER = Number.NEGATIVE_INFINITY as EpochMs;

/** What a root knows of its shards: which reports it has added, and how far each of those that count is in event time. */
export class ShardsHeard {
  private readonly shards = new Map<number, Heard>();
  /** How many of them count at present; 0 in a region that is not split. */
  private counting = 0;

  /** True when the report is new, which it then no longer is. Throws RangeError when one before it is missing. */
  isFirst({ shard, number, watermarkAt, newestEventAt, keys }: ShardReport): boolean {
    const heard = this.of(shard);
    if (number <= heard.lastReport) return false;
    if (number !== heard.lastReport + 1) {
      throw new RangeError(`shard ${shard}: report ${number} came after ${heard.lastReport}`);
    }
    heard.lastReport = number;
    heard.watermarkAt = Math.max(heard.watermarkAt, watermarkAt) as EpochMs;
    heard.newestEventAt = Math.max(heard.newestEventAt, newestEventAt) as EpochMs;
    heard.keys = keys;
    return true;
  }

  /** Those at the first places are the ones that count from now on, from where each of them says that it is. */
  begin(progress: readonly ShardProgress[]): void {
    this.counting = progress.length;
    for (const [shard, { watermarkAt, newestEventAt }] of progress.entries()) {
      Object.assign(this.of(shard), { watermarkAt, newestEventAt });
    }
  }

  /** The least progress of the shards that count, as Flink has it for several inputs; null where none does. */
  get least(): ShardProgress | null {
    if (this.counting === 0) return null;
    const all = Array.from({ length: this.counting }, (_, shard) => this.of(shard));
    return {
      watermarkAt: Math.min(...all.map(({ watermarkAt }) => watermarkAt)) as EpochMs,
      newestEventAt: Math.min(...all.map(({ newestEventAt }) => newestEventAt)) as EpochMs,
    };
  }

  /** Keys that the shards that count remember. */
  get keys(): number {
    let keys = 0;
    for (let shard = 0; shard < this.counting; shard++) keys += this.of(shard).keys;
    return keys;
  }

  writeTo(writer: ByteWriter): void {
    writer.u8(this.counting);
    writer.u8(this.shards.size);
    for (const [shard, { lastReport, watermarkAt, newestEventAt, keys }] of this.shards) {
      writer.u8(shard);
      writer.f64(lastReport);
      writer.f64(watermarkAt);
      writer.f64(newestEventAt);
      writer.u32(keys);
    }
  }

  static readFrom(reader: ByteReader): ShardsHeard {
    const heard = new ShardsHeard();
    heard.counting = reader.u8();
    for (let left = reader.u8(); left > 0; left--) {
      const known = heard.of(reader.u8());
      known.lastReport = reader.f64();
      known.watermarkAt = reader.f64() as EpochMs;
      known.newestEventAt = reader.f64() as EpochMs;
      known.keys = reader.u32();
    }
    return heard;
  }

  private of(shard: number): Heard {
    let heard = this.shards.get(shard);
    if (!heard) {
      heard = { lastReport: 0, watermarkAt: NEVER, newestEventAt: NEVER, keys: 0 };
      this.shards.set(shard, heard);
    }
    return heard;
  }
}
