/**
 * Packed numbers and text: what events, parcels and checkpoints are made of.
 *
 * Little-endian. Writers grow, readers check nothing: whoever reads has checked the version and the length first.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Appends to a buffer that doubles when it is full; `clear` keeps the memory for the next use. */
export class ByteWriter {
  length = 0;
  private buffer: Uint8Array<ArrayBuffer>;
  private view: DataView;

  constructor(capacity = 1_024) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  clear(): void {
    this.length = 0;
  }

  /** What was written so far; overwritten by later use of this writer. */
  written(): Uint8Array<ArrayBuffer> {
    return this.buffer.subarray(0, this.length);
  }

  /** A copy of what was written so far. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.buffer.slice(0, this.length);
  }

  u8(value: number): void {
    const at = this.grow(1);
    this.view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.grow(2);
    this.view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.grow(4);
    this.view.setUint32(at, value, true);
  }

  i32(value: number): void {
    const at = this.grow(4);
    this.view.setInt32(at, value, true);
  }

  f64(value: number): void {
    const at = this.grow(8);
    this.view.setFloat64(at, value, true);
  }

  /** Unsigned, seven bits a byte: small numbers take one byte. At most 2^53 - 1. */
  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.u8((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.u8(rest);
  }

  bytes(source: Uint8Array): void {
    const at = this.grow(source.byteLength);
    this.buffer.set(source, at);
  }

  /** ASCII of at most 255 characters with its length before it. */
  shortAscii(text: string): void {
    const at = this.grow(1 + text.length);
    const { buffer } = this;
    buffer[at] = text.length;
    for (let i = 0; i < text.length; i++) buffer[at + 1 + i] = text.charCodeAt(i);
  }

  /** UTF-8 of at most 65,535 bytes with its length before it. Throws RangeError on longer text. */
  text(value: string): void {
    const at = this.grow(2 + value.length * 3);
    const { written } = encoder.encodeInto(value, this.buffer.subarray(at + 2));
    if (written > 0xffff) throw new RangeError(`text of ${written} bytes does not fit`);
    this.view.setUint16(at, written, true);
    this.length = at + 2 + written;
  }

  /** The first `length` bytes of UTF-8 in `source`, at most 65,535, with their length before them, as `text` writes them. */
  textBytes(source: Uint8Array, length: number): void {
    const at = this.grow(2 + length);
    this.view.setUint16(at, length, true);
    const { buffer } = this;
    for (let i = 0; i < length; i++) buffer[at + 2 + i] = source[i] ?? 0;
  }

  /** Makes room for `size` bytes and returns where they begin. It may replace buffer and view: call it before naming them. */
  private grow(size: number): number {
    const at = this.length;
    this.length = at + size;
    if (this.length > this.buffer.byteLength) {
      const larger = new Uint8Array(Math.max(this.length, 2 * this.buffer.byteLength));
      larger.set(this.buffer.subarray(0, at));
      this.buffer = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }
}

/** Reads what a ByteWriter wrote, in the same order. */
export class ByteReader {
  at: number;
  readonly source: Uint8Array;
  private readonly view: DataView;

  constructor(source: Uint8Array, at = 0) {
    this.source = source;
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.source.byteLength;
  }

  u8(): number {
    return this.view.getUint8(this.advance(1));
  }

  u16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.advance(8), true);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** A view of the next `length` bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const at = this.advance(length);
    return this.source.subarray(at, at + length);
  }

  shortAscii(): string {
    const length = this.u8();
    const at = this.advance(length);
    let text = "";
    for (let i = 0; i < length; i++) text += String.fromCharCode(this.view.getUint8(at + i));
    return text;
  }

  text(): string {
    return decoder.decode(this.bytes(this.u16()));
  }

  private advance(size: number): number {
    const at = this.at;
    this.at = at + size;
    return at;
  }
}
