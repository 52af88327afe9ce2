import type { ByteReader, ByteWriter } from "./bytes.ts";
import { newer, type Reading } from "./context.ts";
import type { EpochMs } from "./units.ts";

/**
 * The latest reading under each of at most `most` names; of more, the names that were read last stay.
 *
 * What stays depends on what was observed and not on the order of it: a name that is dropped has `most` others with newer
 * readings, and theirs only become newer.
 */
export class LatestByName<Value> {
  private readonly readings = new Map<string, Reading<Value>>();
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  observe(name: string, reading: Reading<Value>): void {
    const { readings } = this;
    readings.set(name, newer(readings.get(name) ?? null, reading));
    if (readings.size <= this.most) return;
    const last = this.entries().at(-1);
    if (last) readings.delete(last[0]);
  }

  addAll(other: LatestByName<Value>): void {
    for (const [name, reading] of other.readings) this.observe(name, reading);
  }

  /** The newest first; of one instant in the order of their names. */
  entries(): [name: string, reading: Reading<Value>][] {
    return [...this.readings].toSorted(([nameA, a], [nameB, b]) => {
      if (a.observedAt !== b.observedAt) return b.observedAt - a.observedAt;
      return nameA < nameB ? -1 : 1;
    });
  }

  /** Appends every reading; `writeValue` appends its value. Names have at most 65,535 bytes of UTF-8. */
  writeTo(writer: ByteWriter, writeValue: (value: Value) => void): void {
    writer.varint(this.readings.size);
    for (const [name, { value, observedAt, validUntil }] of this.readings) {
      writer.text(name);
      writer.f64(observedAt);
      writer.f64(validUntil);
      writeValue(value);
    }
  }

  /** Observes what `writeTo` wrote. */
  addFrom(reader: ByteReader, readValue: () => Value): void {
    for (let left = reader.varint(); left > 0; left--) {
      const name = reader.text();
      const observedAt = reader.f64() as EpochMs;
      const validUntil = reader.f64() as EpochMs;
      this.observe(name, { value: readValue(), observedAt, validUntil });
    }
  }
}
