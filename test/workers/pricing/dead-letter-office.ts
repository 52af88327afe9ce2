/** Dead letters of tests: messages that die, and an administrator who looks at them. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import {
  deadLetterActionsAnswerSchema,
  deadLetterAnswerSchema,
  deadLettersAnswerSchema,
} from "../../../contract/dead-letters.ts";
import { writeLateEvents } from "../../../contract/late-events.ts";
import { packEvent } from "../../../contract/packed-events.ts";
import { ByteWriter } from "../../../domain/bytes.ts";
import type { RegionId } from "../../../domain/units.ts";
import { keepDeadLetters } from "../../../workers/pricing/dead-letters/dead-letter-store.ts";
import { recognise } from "../../../workers/pricing/dead-letters/recognise.ts";
import { parcelOfEvents } from "../../support/parcels.ts";
import { demandEvent, T0 } from "../../support/region-deliveries.ts";
import { World } from "./world.ts";

export const PATH = "/admin/v1/dead-letters";
export const database = drizzle(env.DB);

export const nyc = (zone: number) => `nyc-${zone}` as RegionId;

export function parcel(number: number, { regionId = nyc(161), lowWater = 0, events = 2 } = {}) {
  const packed = Array.from({ length: events }, (_, n) =>
    demandEvent(n, { regionId, userHigh: 7, userLow: 9, metadata: '{"seat":4}' }),
  );
  return parcelOfEvents(packed, { number, regionId, lowWater, receivedAt: T0 });
}

export function lateMessage(row: number) {
  const events = new ByteWriter();
  packEvent(events, demandEvent(row));
  return writeLateEvents({ regionId: nyc(161), row, arrivedAt: T0, events: events.written() });
}

let deliveries = 0;
/** What the consumer does with messages that no consumer took, at a wall time. Answers their ids. */
export async function die(bodies: readonly unknown[], at = Date.now()): Promise<string[]> {
  const letters = bodies.map((body) => ({ messageId: `m-${deliveries++}`, ...recognise(body) }));
  await keepDeadLetters(database, letters, at);
  return letters.map(({ id }) => id);
}

/** A world without dead letters. */
export async function emptyOffice(): Promise<Office> {
  await env.DB.exec("DELETE FROM dead_letters");
  await env.DB.exec("DELETE FROM dead_letter_actions");
  return new Office();
}

/** Where dead letters are dealt with. */
export class Office extends World {
  async get(path: string): Promise<unknown> {
    const response = await this.fetch(path, { key: "admin" });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return response.json();
  }

  async list(query = "") {
    return deadLettersAnswerSchema.parse(await this.get(`${PATH}${query}`)).dead_letters;
  }

  async read(id = "") {
    return deadLetterAnswerSchema.parse(await this.get(`${PATH}/${id}`));
  }

  async actions() {
    const found = await this.get("/admin/v1/dead-letter-actions");
    return deadLetterActionsAnswerSchema.parse(found).actions;
  }

  post(path: string, body: unknown = {}) {
    return this.send("POST", `${PATH}/${path}`, body, "admin");
  }

  purge(id = "") {
    return this.fetch(`${PATH}/${id}`, { method: "DELETE", key: "admin" });
  }
}
