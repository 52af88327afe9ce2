/** JSON as bytes: the few steps that readers of it take. */

export const Byte = {
  quote: 0x22,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  underscore: 0x5f,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

/** Where what is not white space begins, from `at` on. */
export function afterSpace(body: Uint8Array, at: number): number {
  let next = at;
  for (;;) {
    const byte = body[next];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return next;
    next++;
  }
}

/** The bytes of an ASCII text. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Whether the bytes of `word` stand at `at`. */
export function isWordAt(word: Uint8Array, body: Uint8Array, at: number): boolean {
  for (let i = 0; i < word.length; i++) if (body[at + i] !== word[i]) return false;
  return true;
}

/** 1 for what stands for itself in a text of JSON: ASCII but for control characters, quote and backslash. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte <= 0x7e && byte !== Byte.quote && byte !== Byte.backslash ? 1 : 0,
);

/** Where the quote is that ends a text which begins at `from`; -1 when the text is not all ASCII without escapes. */
export function endOfPlainText(body: Uint8Array, from: number): number {
  let at = from;
  // Past the end of the body there is nothing plain.
  while (PLAIN[body[at] ?? 0] === 1) at++;
  return body[at] === Byte.quote ? at : -1;
}

/**
 * Where the object ends that begins at `from`, found by its braces alone; -1 where none begins or it does not end. The bytes up to there are
 * JSON only if JSON.parse says so.
 */
export function endOfObject(body: Uint8Array, from: number): number {
  if (body[from] !== Byte.openBrace) return -1;
  let depth = 0;
  let isInText = false;
  for (let at = from; at < body.length; at++) {
    const byte = body[at];
    if (isInText) {
      if (byte === Byte.backslash) at++;
      else if (byte === Byte.quote) isInText = false;
    } else if (byte === Byte.quote) isInText = true;
    else if (byte === Byte.openBrace) depth++;
    else if (byte === Byte.closeBrace && --depth === 0) return at + 1;
  }
  return -1;
}
