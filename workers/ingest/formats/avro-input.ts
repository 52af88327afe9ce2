const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * Reads Avro's primitives from bytes that anyone may have written. Throws RangeError where they end too soon or cannot be
 * read on; a value that JSON has no place for is noted in `fault`, and reading goes on behind it.
 */
export class AvroInput {
  at = 0;
  /** Why the values read since it was last set to null cannot be used. */
  fault: string | null = null;
  private readonly source: Uint8Array;
  private readonly view: DataView;

  constructor(source: Uint8Array) {
    this.source = source;
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  get isAtEnd(): boolean {
    return this.at >= this.source.byteLength;
  }

  boolean(): boolean {
    const byte = this.view.getUint8(this.skip(1));
    if (byte > 1) throw new RangeError(`a boolean has the byte ${byte}`);
    return byte === 1;
  }

  /** An int or a long: zigzag, seven bits a byte, at most ten bytes. */
  long(): number {
    let byte = this.view.getUint8(this.skip(1));
    // The lowest bit is the sign. Taken apart first: both together have more bits than a number of ours.
    const isNegative = (byte & 1) === 1;
    let magnitude = (byte & 0x7f) >> 1;
    for (let scale = 0x40; byte >= 0x80; scale *= 0x80) {
      if (scale > LAST_SCALE) throw new RangeError("a long has more than ten bytes");
      byte = this.view.getUint8(this.skip(1));
      magnitude += (byte & 0x7f) * scale;
    }
    const value = isNegative ? -magnitude - 1 : magnitude;
    if (!Number.isSafeInteger(value)) this.fault ??= "A long lies beyond 2^53.";
    return value;
  }

  float(): number {
    return this.finite(this.view.getFloat32(this.skip(4), true));
  }

  double(): number {
    return this.finite(this.view.getFloat64(this.skip(8), true));
  }

  string(): string {
    const bytes = this.bytes();
    try {
      return decoder.decode(bytes);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      this.fault ??= "A string is not UTF-8.";
      return "";
    }
  }

  /** A view of bytes that have their length before them. */
  bytes(): Uint8Array {
    return this.fixed(this.length());
  }

  /** A view of the next `length` bytes. */
  fixed(length: number): Uint8Array {
    const from = this.skip(length);
    return this.source.subarray(from, this.at);
  }

  /** A number of bytes that must be there still. */
  length(): number {
    const length = this.long();
    const left = this.source.byteLength - this.at;
    if (length >= 0 && length <= left) return length;
    throw new RangeError(`${length} bytes are announced where ${left} are left`);
  }

  private skip(length: number): number {
    const from = this.at;
    if (length > this.source.byteLength - from) throw new RangeError("the bytes end too soon");
    this.at = from + length;
    return from;
  }

  private finite(value: number): number {
    if (!Number.isFinite(value)) this.fault ??= `A number is ${value}.`;
    return value;
  }
}

/** Of the tenth byte. */
const LAST_SCALE = 0x40 * 0x80 ** 8;
