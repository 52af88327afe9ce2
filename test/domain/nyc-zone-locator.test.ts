import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NO_ZONE } from "../../data/nyc/count-table.ts";
import { zoneLocatorFrom } from "../../data/nyc/zone-locator.ts";

type Ring = [number, number][];

const square = (west: number, south: number, side: number): Ring => [
  [west, south],
  [west + side, south],
  [west + side, south + side],
  [west, south + side],
  [west, south],
];

const properties = (LocationID: number) => ({
  LocationID,
  zone: `zone ${LocationID}`,
  borough: "b",
});
const polygon = (id: number, ...coordinates: Ring[]) => ({
  properties: properties(id),
  geometry: { type: "Polygon", coordinates },
});

describe("zoneLocatorFrom()", () => {
  const locator = zoneLocatorFrom({
    features: [
      polygon(7, square(0, 0, 10), square(4, 4, 2)),
      polygon(9, square(20, 0, 2)),
      polygon(9, square(26, 0, 2)),
      {
        properties: properties(11),
        geometry: { type: "MultiPolygon", coordinates: [[square(40, 0, 1)], [square(42, 0, 1)]] },
      },
    ],
  });

  test.each([
    { name: "a point inside", point: [1, 1], zone: 7 },
    { name: "a point in a hole", point: [5, 5], zone: NO_ZONE },
    { name: "a point in the second shape of one id", point: [27, 1], zone: 9 },
    { name: "a point between the parts of a zone", point: [41.5, 0.5], zone: NO_ZONE },
    { name: "a point in the second part", point: [42.5, 0.5], zone: 11 },
    { name: "a point in a bounding box's reach of nothing", point: [-5, 50], zone: NO_ZONE },
  ])("places $name", ({ point: [lon = 0, lat = 0], zone }) => {
    expect(locator.locate(lon, lat)).toBe(zone);
  });

  test("lists a zone once, at the centre of all its parts", () => {
    expect(locator.zones.map((zone) => zone.locationId)).toEqual([7, 9, 11]);
    expect(locator.zones[0]).toMatchObject({ lon: 5, lat: 5 });
    expect(locator.zones[1]).toMatchObject({ lon: 24, lat: 1 });
  });

  test("agrees with arithmetic on a grid of squares, borders aside", () => {
    const columns = 6;
    const grid = zoneLocatorFrom({
      features: Array.from({ length: columns * columns }, (_, cell) =>
        polygon(cell + 1, square(cell % columns, Math.floor(cell / columns), 1)),
      ),
    });
    const inside = fc.tuple(
      fc.integer({ min: -1, max: columns }),
      fc.integer({ min: -1, max: columns }),
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
    );
    fc.assert(
      fc.property(inside, ([column, row, east, north]) => {
        const outside = Math.min(column, row) < 0 || Math.max(column, row) >= columns;
        const expected = outside ? NO_ZONE : row * columns + column + 1;
        expect(grid.locate(column + east, row + north)).toBe(expected);
      }),
    );
  });

  test("refuses a file of another shape", () => {
    expect(() => zoneLocatorFrom({ features: [{ properties: {} }] })).toThrow();
  });
});
