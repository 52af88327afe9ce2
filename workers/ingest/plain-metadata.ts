import { MAX_METADATA_BYTES } from "../../contract/events.ts";
import { afterSpace, asciiBytes, Byte, endOfPlainText, isWordAt } from "./json-bytes.ts";

const MAX_FIELDS = 16;
const MAX_WHOLE_DIGITS = 9;
const MAX_DECIMALS = 6;
const WORDS = ["true", "false", "null"].map(asciiBytes);
const NOT_PLAIN = -1;

/**
 * Reads plain metadata: a flat object of a few fields with texts in ASCII without escapes, short numbers, true, false and null.
 *
 * It leaves the bytes that JSON.stringify would make of it: without white space, and of nothing that JSON.parse would change
 * (a name twice, a name that is a number and so would be moved to the front, 1.0, -0).
 */
export class PlainMetadata {
  /** What it read last; its first `length` bytes, none for no fields. */
  readonly bytes = new Uint8Array(MAX_METADATA_BYTES);
  length = 0;
  private readonly nameFrom = new Int32Array(MAX_FIELDS);
  private readonly nameTo = new Int32Array(MAX_FIELDS);

  clear(): void {
    this.length = 0;
  }

  /** Reads the object that begins at `from` in `body`; returns where it ends, or -1 when it is not plain. */
  read(body: Uint8Array, from: number): number {
    this.length = 0;
    if (body[from] !== Byte.openBrace) return NOT_PLAIN;
    let at = afterSpace(body, from + 1);
    if (body[at] === Byte.closeBrace) return at + 1;
    this.put(Byte.openBrace);
    for (let field = 0; field < MAX_FIELDS; field++) {
      const nameTo = this.endOfName(body, at, field);
      if (nameTo === NOT_PLAIN || !this.copy(body, at, nameTo)) return NOT_PLAIN;
      at = afterSpace(body, nameTo);
      if (body[at] !== Byte.colon || !this.put(Byte.colon)) return NOT_PLAIN;
      at = afterSpace(body, at + 1);
      const valueTo = endOfValue(body, at);
      if (valueTo === NOT_PLAIN || !this.copy(body, at, valueTo)) return NOT_PLAIN;
      at = afterSpace(body, valueTo);
      if (body[at] === Byte.closeBrace) return this.put(Byte.closeBrace) ? at + 1 : NOT_PLAIN;
      if (body[at] !== Byte.comma || !this.put(Byte.comma)) return NOT_PLAIN;
      at = afterSpace(body, at + 1);
    }
    return NOT_PLAIN;
  }

  /** Where a name with its quotes ends that no field before has, and that begins with a letter. */
  private endOfName(body: Uint8Array, at: number, field: number): number {
    if (body[at] !== Byte.quote || !isLetter(body[at + 1] ?? 0)) return NOT_PLAIN;
    const to = endOfPlainText(body, at + 1);
    if (to === -1) return NOT_PLAIN;
    for (let other = 0; other < field; other++) {
      const from = this.nameFrom[other] ?? 0;
      const length = (this.nameTo[other] ?? 0) - from;
      if (length === to - at && isSame(body, from, at, length)) return NOT_PLAIN;
    }
    this.nameFrom[field] = at;
    this.nameTo[field] = to;
    return to + 1;
  }

  private put(byte: number): boolean {
    if (this.length === this.bytes.length) return false;
    this.bytes[this.length++] = byte;
    return true;
  }

  private copy(body: Uint8Array, from: number, to: number): boolean {
    const { bytes, length } = this;
    if (length + to - from > bytes.length) return false;
    for (let i = from; i < to; i++) bytes[length + i - from] = body[i] ?? 0;
    this.length = length + to - from;
    return true;
  }
}

function endOfValue(body: Uint8Array, at: number): number {
  if (body[at] === Byte.quote) {
    const to = endOfPlainText(body, at + 1);
    return to === -1 ? NOT_PLAIN : to + 1;
  }
  for (const word of WORDS) if (isWordAt(word, body, at)) return at + word.length;
  return endOfNumber(body, at);
}

/** A number short enough that JavaScript writes it as it reads it: -12, 3.25, not 1.0, -0 or 1e3. */
function endOfNumber(body: Uint8Array, from: number): number {
  const isNegative = body[from] === Byte.minus;
  const wholeFrom = isNegative ? from + 1 : from;
  let at = wholeFrom;
  while (isDigit(body[at] ?? 0)) at++;
  const wholeDigits = at - wholeFrom;
  if (wholeDigits < 1 || wholeDigits > MAX_WHOLE_DIGITS) return NOT_PLAIN;
  const beginsWithZero = body[wholeFrom] === 0x30;
  if (beginsWithZero && wholeDigits > 1) return NOT_PLAIN;
  if (body[at] !== Byte.dot) return beginsWithZero && isNegative ? NOT_PLAIN : at;
  const decimalsFrom = at + 1;
  at = decimalsFrom;
  while (isDigit(body[at] ?? 0)) at++;
  const decimals = at - decimalsFrom;
  if (decimals < 1 || decimals > MAX_DECIMALS || body[at - 1] === 0x30) return NOT_PLAIN;
  return at;
}

function isSame(body: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (body[a + i] !== body[b + i]) return false;
  return true;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
