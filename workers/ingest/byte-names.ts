import { asciiBytes, isWordAt } from "./json-bytes.ts";

interface Name {
  text: string;
  bytes: Uint8Array;
}

/**
 * Texts that are looked up by their bytes: what is read again and again is made a string once.
 *
 * An open hash table that is never more than half full. Texts are ASCII.
 */
export class ByteNames {
  private readonly capacity: number;
  private readonly names: (Name | undefined)[];
  private readonly mask: number;
  private count = 0;
  /** Found last: most events of a body name the same things. */
  private latest: Name | undefined;

  /** Holds `texts`, and up to `capacity` in all. */
  constructor(texts: Iterable<string>, capacity = 0) {
    const given = new Set(texts);
    this.capacity = Math.max(capacity, given.size);
    const size = 2 ** Math.ceil(Math.log2(2 * Math.max(1, this.capacity)));
    this.names = new Array<Name | undefined>(size).fill(undefined);
    this.mask = size - 1;
    for (const text of given) {
      const bytes = asciiBytes(text);
      this.intern(bytes, 0, bytes.length);
    }
  }

  /** The text whose bytes lie from `from` to `to`, or undefined when it is not among them. */
  find(source: Uint8Array, from: number, to: number): string | undefined {
    const { latest } = this;
    if (latest && isName(latest, source, from, to)) return latest.text;
    const name = this.names[this.placeOf(source, from, to)];
    if (name) this.latest = name;
    return name?.text;
  }

  /** Like `find`, and takes the text in while there is room. */
  intern(source: Uint8Array, from: number, to: number): string {
    const place = this.placeOf(source, from, to);
    const known = this.names[place];
    if (known) return known.text;
    const bytes = source.slice(from, to);
    const text = String.fromCharCode(...bytes);
    if (this.count < this.capacity) {
      this.names[place] = { text, bytes };
      this.count++;
    }
    return text;
  }

  /** Where the text is in the table, or where it would be. */
  private placeOf(source: Uint8Array, from: number, to: number): number {
    const { names, mask } = this;
    let hash = to - from;
    for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + (source[i] ?? 0)) | 0;
    let place = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const name = names[place];
      if (!name || isName(name, source, from, to)) return place;
      place = (place + 1) & mask;
    }
  }
}

function isName({ bytes }: Name, source: Uint8Array, from: number, to: number): boolean {
  return bytes.length === to - from && isWordAt(bytes, source, from);
}
