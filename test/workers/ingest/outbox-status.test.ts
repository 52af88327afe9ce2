import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { batchOf, inOutbox, numbersOf } from "./outbox-life.ts";

beforeEach(() => reset());

describe("how an outbox stands", () => {
  it("is told with ages that grow until regions and log have everything", () =>
    inOutbox(async (begin) => {
      const life = begin();
      const status = () => life.outbox.status();
      expect(await status()).toMatchObject({
        outbox: "outbox-0",
        depth: { batches: 0, bytes: 0, oldestAgeMs: 0 },
        logLag: { batches: 0, bytes: 0, oldestAgeMs: 0 },
        dispatches: 0,
        held: [],
      });
      const [first, second] = [batchOf(3), batchOf(4)];
      life.now += 60_000;
      await life.append(first);
      life.now += 2_000;
      await life.append(second);
      const parcels = await life.taken();
      expect(await status()).toMatchObject({
        depth: { batches: 2, bytes: first.byteLength + second.byteLength, oldestAgeMs: 2_000 },
        logLag: { batches: 2, oldestAgeMs: 2_000 },
        dispatches: 1,
        segmentsWritten: 0,
      });
      await life.outbox.confirm(life.epoch, numbersOf(parcels));
      expect(await status()).toMatchObject({ depth: { batches: 2 }, dispatches: 0 });
      await life.logged();
      expect(await status()).toMatchObject({
        depth: { batches: 0, bytes: 0, oldestAgeMs: 0 },
        logLag: { batches: 0, bytes: 0, oldestAgeMs: 0 },
        segmentsWritten: 1,
      });
    }));

  it("names the regions that take nothing", () =>
    inOutbox(async (begin) => {
      const life = begin();
      for (let round = 0; round < 80; round++) {
        await life.append(batchOf(1, "broken"));
        await life.append(batchOf(1, "fine"));
        const parcels = await life.taken();
        const fine = parcels.filter(({ regionId }) => regionId === "fine");
        await life.outbox.confirm(life.epoch, numbersOf(fine));
        life.now += 1_000;
      }
      const { held } = await life.outbox.status();
      expect(held).toMatchObject([{ regionId: "broken" }]);
      expect(held[0]?.parcels).toBeGreaterThan(10);
    }));

  it("has nothing left of a parcel that is confirmed on someone's word alone", () =>
    inOutbox(async (begin) => {
      const life = begin();
      await life.append(batchOf(1, "gone"));
      const [parcel] = await life.taken();
      await life.outbox.confirm(life.epoch, [parcel?.number ?? 0]);
      await life.logged();
      expect(await life.outbox.status()).toMatchObject({ depth: { batches: 0 }, dispatches: 0 });
      life.now += 1_000_000;
      expect(await life.taken()).toEqual([]);
    }));
});

describe("rows written by an outbox", () => {
  /** Rows a second, as they are billed, over a minute of `requestsPerS` of `eventsPerRequest` events over 60 regions. */
  async function rowsPerS(requestsPerS: number, eventsPerRequest: number): Promise<number> {
    let rows = 0;
    await inOutbox(async (begin) => {
      const life = begin();
      const before = (await life.outbox.status()).rowsWritten;
      let unconfirmed: number[] = [];
      let alarmAt = life.now + 2_500;
      let dispatchAt = Number.POSITIVE_INFINITY;
      const seconds = 60;
      for (let n = 0; n < seconds * requestsPerS; n++) {
        const request = Buffer.concat(
          Array.from({ length: eventsPerRequest / 20 }, (_, i) =>
            batchOf(20, `r-${(n * 25 + i) % 60}`),
          ),
        );
        await life.append(new Uint8Array(request));
        dispatchAt = Math.min(dispatchAt, life.now + 250);
        life.now += 1_000 / requestsPerS;
        if (life.now < dispatchAt && life.now < alarmAt) continue;
        if (life.now >= alarmAt) alarmAt = life.now + 2_500;
        dispatchAt = Number.POSITIVE_INFINITY;
        await life.outbox.confirm(life.epoch, unconfirmed);
        unconfirmed = numbersOf(await life.taken());
      }
      rows = ((await life.outbox.status()).rowsWritten - before) / seconds;
    });
    return rows;
  }

  it("are few: 5,000 events a second in bodies of 500 over 60 regions make no more than 25 a second", async () => {
    const perS = await rowsPerS(10, 500);
    expect(perS).toBeLessThan(25);
    // Everything is stored and dispatched nevertheless.
    expect(perS).toBeGreaterThan(10);
  });
});
