/**
 * Who gets which variant.
 *
 * A pure function of a salt and the hash of a user, so every isolate says the same, nothing is kept, and the origin can say
 * again who was meant. Two numbers are drawn for each user: the first says whether the experiment takes them in, the second
 * which variant they get. So more traffic only adds users, and moves none from one variant to another.
 */
import type { Experiment, Holdout, Variant } from "./experiment.ts";
import { SipHash } from "./sip-hash.ts";

/** 64 bits of the HMAC of a user's id. */
export interface UserHash {
  high: number;
  low: number;
}

const TWO_32 = 2 ** 32;

/** Two independent numbers for each user, uniform in [0, 1), under a salt. */
export class SaltedDraw {
  /** The numbers of the user of the last call. */
  first = 0;
  second = 0;
  private readonly hash: SipHash;
  private readonly message = new Uint8Array(8);
  private readonly words = new DataView(this.message.buffer);

  constructor(salt: string) {
    this.hash = new SipHash(keyOf(salt));
  }

  of(user: UserHash): void {
    this.words.setUint32(0, user.high);
    this.words.setUint32(4, user.low);
    this.hash.bytes(this.message, 0, 8);
    this.first = this.hash.high / TWO_32;
    this.second = this.hash.low / TWO_32;
  }
}

/** An experiment, ready to assign: what its salt and its weights come to is worked out once. */
export class Assigner {
  readonly experiment: Experiment;
  private readonly draw: SaltedDraw;
  private readonly holdout: HoldoutDraw | null;
  /** Upper ends of the variants' ranges, the last one being 1. */
  private readonly ends: readonly number[];

  constructor(experiment: Experiment, holdout: Holdout | null) {
    this.experiment = experiment;
    this.draw = new SaltedDraw(experiment.salt);
    this.holdout = holdout && new HoldoutDraw(holdout);
    this.ends = rangeEndsOf(experiment.variants);
  }

  /** The variant of a user; null for those it does not take in, held back ones among them. Allocates nothing. */
  assign(user: UserHash): Variant | null {
    const { draw, ends, experiment } = this;
    draw.of(user);
    if (draw.first >= experiment.traffic) return null;
    if (this.holdout?.holds(user)) return null;
    // The second number is below 1, and the last end is 1.
    let place = 0;
    while (draw.second >= (ends[place] ?? 1)) place++;
    return experiment.variants[place] ?? null;
  }
}

/** Tells whom no experiment takes in. */
export class HoldoutDraw {
  private readonly draw: SaltedDraw;
  private readonly share: number;

  constructor({ salt, share }: Holdout) {
    this.draw = new SaltedDraw(salt);
    this.share = share;
  }

  holds(user: UserHash): boolean {
    this.draw.of(user);
    return this.draw.first < this.share;
  }
}

function rangeEndsOf(variants: readonly Variant[]): number[] {
  const total = variants.reduce((sum, { weight }) => sum + weight, 0);
  let sum = 0;
  return variants.map(({ weight }, i) => {
    sum += weight;
    // Rounding must not leave a sliver of users without a variant.
    return i === variants.length - 1 ? 1 : sum / total;
  });
}

/** 128 bits of a salt of any length. */
function keyOf(salt: string): Uint8Array {
  const key = new Uint8Array(16);
  const words = new DataView(key.buffer);
  for (const half of [0, 1]) {
    const hash = new SipHash(new Uint8Array(16).fill(half));
    hash.text(salt);
    words.setUint32(8 * half, hash.high);
    words.setUint32(8 * half + 4, hash.low);
  }
  return key;
}
