/** Everything the queue takes from where it runs. Tests give their own. */
export interface Platform {
  /** Wall clock, milliseconds. */
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** A new idempotency key. */
  newKey(): string;
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Calls `job` once after `delayMs`; the answer cancels it. Keeps a process alive only if told to. */
  schedule(job: () => void, delayMs: number, keepsAlive?: boolean): () => void;
}

/** Browsers, Node and Workers. */
export function hostPlatform(): Platform {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    newKey: randomUuid,
    fetch: (url, init) => fetch(url, init),
    schedule(job, delayMs, keepsAlive = false) {
      const timer: unknown = setTimeout(job, delayMs);
      if (isNodeTimer(timer) && !keepsAlive) timer.unref();
      return () => clearTimeout(timer as number);
    },
  };
}

function isNodeTimer(timer: unknown): timer is { unref(): void } {
  return typeof timer === "object" && timer !== null && "unref" in timer;
}

/** The part of `crypto` that is used. */
interface RandomSource {
  getRandomValues(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;
  randomUUID?: () => string;
}

/** A version 4 UUID. Pages that are not served securely have no `crypto.randomUUID`. */
export function randomUuid(source: RandomSource = crypto): string {
  if (source.randomUUID) return source.randomUUID();
  const bytes = source.getRandomValues(new Uint8Array(16));
  // RFC 9562: four bits say version 4, two bits the variant.
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
