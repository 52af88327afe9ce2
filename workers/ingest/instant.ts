/** RFC 3339 as clients ordinarily write it, read digit by digit. */

const HYPHEN = 0x2d;
const DAYS_BEFORE_MONTH = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAYS_IN_MONTH = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAYS_BEFORE_1970 = 719_162;
const WHOLE_LENGTH = "2026-01-11T10:30:00Z".length;
const MS_LENGTH = "2026-01-11T10:30:00.000Z".length;

/**
 * `2026-01-11T10:30:00Z` and `2026-01-11T10:30:00.000Z` from 1970 on, in milliseconds; NaN for anything else, valid or not.
 * The text lies in `bytes` from `from` to `to`.
 */
export function instantAt(bytes: Uint8Array, from: number, to: number): number {
  const hasMs = to - from === MS_LENGTH;
  if (!hasMs && to - from !== WHOLE_LENGTH) return Number.NaN;
  const isPunctuated =
    bytes[from + 4] === HYPHEN &&
    bytes[from + 7] === HYPHEN &&
    bytes[from + 10] === 0x54 && // T
    bytes[from + 13] === 0x3a && // :
    bytes[from + 16] === 0x3a &&
    bytes[to - 1] === 0x5a && // Z
    (!hasMs || bytes[from + 19] === 0x2e); // .
  if (!isPunctuated) return Number.NaN;
  const year = digitsAt(bytes, from, 4);
  const month = digitsAt(bytes, from + 5, 2);
  const day = digitsAt(bytes, from + 8, 2);
  const hour = digitsAt(bytes, from + 11, 2);
  const minute = digitsAt(bytes, from + 14, 2);
  const second = digitsAt(bytes, from + 17, 2);
  const ms = hasMs ? digitsAt(bytes, from + 20, 3) : 0;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const lastDay = month === 2 && isLeap ? 29 : (DAYS_IN_MONTH[month] ?? 0);
  // What is not digits is -1.
  const isInRange =
    year >= 1970 &&
    month >= 1 &&
    day >= 1 &&
    day <= lastDay &&
    hour >= 0 &&
    hour <= 23 &&
    minute >= 0 &&
    minute <= 59 &&
    second >= 0 &&
    second <= 59 &&
    ms >= 0;
  if (!isInRange) return Number.NaN;
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const daysInYear = (DAYS_BEFORE_MONTH[month] ?? 0) + (month > 2 && isLeap ? 1 : 0) + day - 1;
  const days = before * 365 + leapDays - DAYS_BEFORE_1970 + daysInYear;
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + ms;
}

/** The number that `count` digits are; -1 when one of them is none. */
function digitsAt(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = (bytes[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
