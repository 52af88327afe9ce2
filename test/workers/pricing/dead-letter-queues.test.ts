import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import {
  type DeadLetter,
  deadLetterAnswerSchema,
  deadLettersAnswerSchema,
} from "../../../contract/dead-letters.ts";
import { BatchPacker } from "../../../contract/event-batch.ts";
import type { OutboxIntakeRpc, OutboxStatusRpc, RegionWindowRpc } from "../../../contract/rpc.ts";
import type { EpochMs, RegionId } from "../../../domain/units.ts";
import { parcelOfEvents } from "../../support/parcels.ts";
import { demandEvent } from "../../support/region-deliveries.ts";
import { bearer, TEST_KEYS } from "../../support/test-keys.ts";
import { migrate } from "./migrate.ts";

/** The real queues between the real Workers: what they give up on, and what becomes of it. */
const PATH = "/admin/v1/dead-letters";

beforeAll(migrate);

function ask(path: string, method = "GET") {
  return exports.default.fetch(`https://pricing.test${path}`, {
    method,
    headers: bearer(TEST_KEYS.admin),
  });
}
const list = async (query: string): Promise<DeadLetter[]> =>
  deadLettersAnswerSchema.parse(await (await ask(`${PATH}?${query}`)).json()).dead_letters;

/** The one dead letter of a query, once it is there and `isRight`. */
function theOne(query: string, isRight: (letter: DeadLetter) => boolean = () => true) {
  return vi.waitFor(
    async () => {
      const letters = await list(query);
      expect(letters.length).toBe(1);
      const [letter] = letters;
      if (!letter || !isRight(letter)) throw new Error(JSON.stringify(letter));
      return letter;
    },
    { timeout: 90_000, interval: 200 },
  );
}

const bookingsOf = async (region: string) => {
  const { demand } = env.REGIONS.getByName(region) as unknown as RegionWindowRpc;
  return (await demand()).totals;
};

describe("a parcel that its region cannot take", () => {
  it("is a dead letter after eleven tries, and its outbox forgets it when it is purged", {
    timeout: 150_000,
  }, async () => {
    const region = "nyc-13" as RegionId;
    const now = Date.now() as EpochMs;
    const packer = new BatchPacker();
    packer.add(demandEvent(1, { regionId: region, occurredAt: now }));
    const batch = packer.finish(now);
    // No event has such a type; doors write no such thing, so this is as near to a bug as can be had.
    batch[batch.byteLength - 18] = 0xee;
    const outbox = env.OUTBOX.getByName("outbox-poisoned") as unknown as OutboxIntakeRpc &
      OutboxStatusRpc;
    expect(await outbox.append(batch)).toBe("stored");

    const letter = await theOne(`region_id=${region}`);
    expect(letter).toMatchObject({ queue: "events", reason: "retries_exhausted" });
    const found = await (await ask(`${PATH}/${letter.id}`)).json();
    expect(deadLetterAnswerSchema.parse(found).content.kind).toBe("raw");
    expect((await outbox.status()).dispatches).toBe(1);

    expect((await ask(`${PATH}/${letter.id}`, "DELETE")).status).toBe(200);
    expect((await outbox.status()).dispatches).toBe(0);
  });
});

describe("parcels among the dead letters", () => {
  it("count once, however often they died and however often they go back", async () => {
    const regionId = "nyc-24" as RegionId;
    const now = Date.now() as EpochMs;
    const events = [1, 2, 3].map((n) => demandEvent(n, { regionId, occurredAt: now }));
    const parcel = parcelOfEvents(events, { number: 1, receivedAt: now, regionId });
    for (let n = 0; n < 2; n++)
      await env.DEAD_LETTERS.send(parcel.slice(), { contentType: "bytes" });
    const { id } = await theOne(`region_id=${regionId}`, ({ deliveries }) => deliveries === 2);
    expect((await bookingsOf(regionId)).booking).toBe(0);
    for (let n = 0; n < 2; n++) {
      expect((await ask(`${PATH}/${id}/redrive`, "POST")).status).toBe(200);
    }
    await vi.waitFor(async () => expect((await bookingsOf(regionId)).booking).toBe(3), {
      timeout: 10_000,
      interval: 100,
    });
    expect(await theOne(`region_id=${regionId}`)).toMatchObject({ state: "redriven", redrives: 2 });
    expect((await bookingsOf(regionId)).duplicates).toBe(0);
  });

  it("that were no parcels come from the consumer, with what is wrong with them", async () => {
    await env.EVENTS.send({ to: "whom it may concern" });
    const letter = await theOne("queue=events&reason=unreadable");
    expect(letter.detail).toBe("It is no parcel.");
    const found = deadLetterAnswerSchema.parse(await (await ask(`${PATH}/${letter.id}`)).json());
    expect(found.content).toMatchObject({
      kind: "raw",
      content_type: "json",
      base64: btoa('{"to":"whom it may concern"}'),
    });
  });
});

describe("decisions among the dead letters", () => {
  it("are in the log once they went back", async () => {
    const record = {
      id: "a-decision-that-died",
      decidedAt: Date.now(),
      decision: {
        key: {
          ...{ regionId: "r", productType: "p", tick: 1, rulesVersion: "rul" },
          ...{ source: "model", priceMinor: 1 },
        },
        price: { currency: "USD", surgeMultiplier: 1 },
      },
    };
    await env.DEAD_LETTERS.send(JSON.stringify([record]), { contentType: "text" });
    const { id } = await theOne("queue=decisions");
    expect((await ask(`${PATH}/${id}/redrive`, "POST")).status).toBe(200);
    const logged = env.DB.prepare("SELECT id FROM decisions WHERE id = ?").bind(record.id);
    await vi.waitFor(async () => expect((await logged.all()).results.length).toBe(1), {
      timeout: 10_000,
      interval: 100,
    });
  });
});
