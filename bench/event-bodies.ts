/**
 * Bodies of events that cost the client next to nothing: rendered once, and before each sending only the bytes that differ
 * are written over (keys and times). On two cores a client that rendered each event anew would be what is measured.
 */
import type { CountedType } from "../domain/window.ts";

export interface EventBodiesOptions {
  regions: readonly string[];
  eventsPerBody: number;
  /** Share of events that come again with the key of an event of the body before. */
  repeatShare: number;
  /** Events are up to this much older than the moment they are sent, in no order. */
  spreadMs: number;
  /** Keeps the keys of runs, and of connections, apart. */
  run: string;
}

/** Events by type, by region. */
export type ExpectedCounts = Map<string, Record<CountedType, number>>;

interface Slot {
  region: string;
  type: CountedType;
  isRepeat: boolean;
  /** Where in the body the generation of the key and the time are written. */
  generationAt: number;
  timestampAt: number;
  ageMs: number;
}

const TYPES = ["search", "view", "booking", "cancellation"] as const;
const GENERATION_DIGITS = 8;
const TIMESTAMP = "2026-01-01T00:00:00.000Z";
const HEX = Buffer.from("0123456789abcdef");

/** One connection's body, over and over, each time with new events in it. */
export class EventBodies {
  /** The body as it was last made; written over by `next`. */
  readonly body: Buffer;
  private readonly slots: readonly Slot[];
  private generation = 0;
  private readonly seconds = new Map<number, Buffer>();

  constructor({ regions, eventsPerBody, repeatShare, spreadMs, run }: EventBodiesOptions) {
    const parts: string[] = ['{"events":['];
    let length = parts[0]?.length ?? 0;
    const slots: Slot[] = [];
    const repeatEvery = Math.round(1 / repeatShare);
    const push = (text: string) => {
      parts.push(text);
      length += text.length;
    };
    for (let i = 0; i < eventsPerBody; i++) {
      const isRepeat = i % repeatEvery === repeatEvery - 1;
      // A repeat takes the place of its original in everything but the generation of its key.
      const original = isRepeat ? i - 1 : i;
      // Shifted by one each time round, so that every region gets every type, whatever their numbers have in common.
      const region =
        regions[(original + Math.floor(original / regions.length)) % regions.length] ?? "";
      const type = TYPES[original % TYPES.length] ?? "search";
      push(`${i === 0 ? "" : ","}{"idempotency_key":"${run}-${String(original).padStart(3, "0")}-`);
      const generationAt = length;
      push(`${"0".repeat(GENERATION_DIGITS)}","event_type":"${type}","region_id":"${region}",`);
      push(
        `"product_type":"standard_ride","user_id":"user-${String(original * 7).padStart(5, "0")}",`,
      );
      push('"timestamp":"');
      const timestampAt = length;
      push(`${TIMESTAMP}","quantity":1,"metadata":{"source":"app"}}`);
      // A stride that shares no factor with the spread visits it in an order that looks shuffled.
      slots.push({
        region,
        type,
        isRepeat,
        generationAt,
        timestampAt,
        ageMs: (i * 7_919) % spreadMs,
      });
    }
    push("]}");
    this.body = Buffer.from(parts.join(""), "latin1");
    this.slots = slots;
  }

  /** Makes the next body at `now`: in place, so the last one must have been sent. */
  next(now: number): Buffer {
    const { body } = this;
    this.generation++;
    for (const slot of this.slots) {
      const generation = slot.isRepeat ? this.generation - 1 : this.generation;
      for (let digit = 0, rest = generation; digit < GENERATION_DIGITS; digit++, rest >>>= 4) {
        body[slot.generationAt + GENERATION_DIGITS - 1 - digit] = HEX[rest & 15] ?? 0;
      }
      const at = now - slot.ageMs;
      const second = Math.floor(at / 1_000);
      body.set(this.secondText(second), slot.timestampAt);
      const ms = at - second * 1_000;
      body[slot.timestampAt + 20] = 48 + Math.floor(ms / 100);
      body[slot.timestampAt + 21] = 48 + (Math.floor(ms / 10) % 10);
      body[slot.timestampAt + 22] = 48 + (ms % 10);
    }
    return body;
  }

  /** Adds what the windows must have counted of the bodies made so far, each key once. */
  addExpected(counts: ExpectedCounts): void {
    for (const { region, type, isRepeat } of this.slots) {
      const byType = counts.get(region) ?? { search: 0, view: 0, booking: 0, cancellation: 0 };
      // The first body's repeats are of a generation that was never sent: they are new.
      byType[type] += isRepeat ? Math.min(1, this.generation) : this.generation;
      counts.set(region, byType);
    }
  }

  /** The date and time down to the second, as bytes. */
  private secondText(second: number): Buffer {
    let text = this.seconds.get(second);
    if (!text) {
      if (this.seconds.size > 64) this.seconds.clear();
      text = Buffer.from(new Date(second * 1_000).toISOString().slice(0, 19), "latin1");
      this.seconds.set(second, text);
    }
    return text;
  }
}
