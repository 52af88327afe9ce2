import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { type EpochMs, plus, type RegionId, SECOND_MS } from "../../../domain/units.ts";
import { parcelOfEvents } from "../../support/parcels.ts";
import { demandEvent, T0 } from "../../support/region-deliveries.ts";
import { World } from "./world.ts";

const PATH = "/admin/v1/regions/nyc-161/replay";

let world: World;
beforeEach(async () => {
  await reset();
  world = await new World().publishShipped();
});

const parcel = (number: number, count = 3) => {
  const receivedAt = plus(T0, number * 10 * SECOND_MS);
  const events = Array.from({ length: count }, (_, n) => {
    return demandEvent(number * 10 + n, { occurredAt: plus(receivedAt, -n * SECOND_MS) });
  });
  return parcelOfEvents(events, { number, receivedAt });
};

const post = (body: Uint8Array<ArrayBuffer>, contentType = "application/octet-stream") =>
  world.fetch(PATH, {
    ...{ method: "POST", key: "admin", body, headers: { "content-type": contentType } },
  });

describe("the replay of a region", () => {
  it("counts parcels that lie end to end, each once, and says what closed", async () => {
    const parcels = [1, 2, 10].map((number) => parcel(number));
    const body = new Uint8Array(await new Blob(parcels).arrayBuffer());
    const answer = await post(body);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      ...{ region_id: "nyc-161", events: 9, duplicates: 0, late: 0, repeated_parcels: 0 },
      totals: { booking: 9 },
      watermark: new Date(T0 + 90 * SECOND_MS).toISOString(),
      signals: [{ width_s: 60, revision: 1, counts: { booking: 6 } }],
    });
    expect(await (await post(body)).json()).toMatchObject({ events: 0, repeated_parcels: 3 });
    const read = await world.fetch(PATH, { key: "admin" });
    expect(read.status).toBe(200);
    const { signals, totals } = (await read.json()) as { signals: unknown[]; totals: object };
    expect(totals).toMatchObject({ booking: 9 });
    expect(signals).toHaveLength(3);
  });

  it("takes parcels of this region only, within its bounds, from administrators", async () => {
    const body = parcel(1);
    expect((await post(body.slice(0, -1))).status).toBe(400);
    const foreign = parcelOfEvents([demandEvent(1)], {
      ...{ number: 1, receivedAt: T0 as EpochMs, regionId: "nyc-1" as RegionId },
    });
    expect((await post(foreign)).status).toBe(400);
    expect((await post(body, "application/json")).status).toBe(415);
    expect((await post(new Uint8Array(1024 * 1024 + 1))).status).toBe(413);
    const pricing = await world.fetch(PATH, { key: "pricing" });
    expect(pricing.status).toBe(403);
    const unknown = await world.fetch("/admin/v1/regions/atlantis/replay", { key: "admin" });
    expect(unknown.status).toBe(404);
  });
});
