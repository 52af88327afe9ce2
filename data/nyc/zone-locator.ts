import { polygonArea, polygonCentroid, polygonContains } from "d3-polygon";
import Flatbush from "flatbush";
import { z } from "zod";
import { NO_ZONE } from "./count-table.ts";

/**
 * Which taxi zone a point lies in.
 *
 * Zones are small against the curvature of the earth, so longitude and latitude are treated as a plane.
 */

export interface Zone {
  readonly locationId: number;
  readonly name: string;
  readonly borough: string;
  /** Centre of area, degrees. */
  readonly lon: number;
  readonly lat: number;
}

export interface ZoneLocator {
  readonly zones: readonly Zone[];
  /** The location id, or NO_ZONE. A point on a shared border goes to the lower id. */
  locate(lon: number, lat: number): number;
}

type Ring = [number, number][];
interface Area {
  readonly locationId: number;
  /** The outline first, then its holes. */
  readonly rings: readonly Ring[];
}

const ring = z.array(z.tuple([z.number(), z.number()]));
const zoneFile = z.object({
  features: z.array(
    z.object({
      properties: z.object({ LocationID: z.int(), zone: z.string(), borough: z.string() }),
      geometry: z.discriminatedUnion("type", [
        z.object({ type: z.literal("Polygon"), coordinates: z.array(ring) }),
        z.object({ type: z.literal("MultiPolygon"), coordinates: z.array(z.array(ring)) }),
      ]),
    }),
  ),
});

/**
 * Reads the taxi zones' GeoJSON. Several features may carry one location id, as islands of one
 * zone do: they are one zone.
 *
 * @throws ZodError when the file has another shape
 */
export function zoneLocatorFrom(geoJson: unknown): ZoneLocator {
  const features = zoneFile.parse(geoJson).features;
  const areas = features
    .flatMap(({ properties, geometry }): Area[] => {
      const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
      return polygons.map((rings) => ({ locationId: properties.LocationID, rings }));
    })
    .sort((a, b) => a.locationId - b.locationId);

  const boxes = new Flatbush(areas.length);
  for (const { rings } of areas) {
    const [west, south, east, north] = boundsOf(rings[0] ?? []);
    boxes.add(west, south, east, north);
  }
  boxes.finish();

  const labels = new Map(features.map(({ properties }) => [properties.LocationID, properties]));
  return {
    zones: [...labels.values()]
      .map(({ LocationID, zone, borough }) => {
        const [lon, lat] = centreOf(areas.filter((area) => area.locationId === LocationID));
        return { locationId: LocationID, name: zone, borough, lon, lat };
      })
      .sort((a, b) => a.locationId - b.locationId),
    locate(lon, lat) {
      const candidates = boxes.search(lon, lat, lon, lat).sort((a, b) => a - b);
      for (const index of candidates) {
        const area = areas[index];
        if (area !== undefined && contains(area, lon, lat)) return area.locationId;
      }
      return NO_ZONE;
    },
  };
}

function contains({ rings }: Area, lon: number, lat: number): boolean {
  const [outline, ...holes] = rings;
  if (outline === undefined || !polygonContains(outline, [lon, lat])) return false;
  return !holes.some((hole) => polygonContains(hole, [lon, lat]));
}

/** Centre of area over all parts; holes count as negative area. */
function centreOf(areas: readonly Area[]): [number, number] {
  let weight = 0;
  let lon = 0;
  let lat = 0;
  for (const { rings } of areas) {
    for (const [index, part] of rings.entries()) {
      const size = (index === 0 ? 1 : -1) * Math.abs(polygonArea(part));
      const [partLon, partLat] = polygonCentroid(part);
      weight += size;
      lon += size * partLon;
      lat += size * partLat;
    }
  }
  return [lon / weight, lat / weight];
}

function boundsOf(outline: Ring): [number, number, number, number] {
  let west = Number.POSITIVE_INFINITY;
  let south = Number.POSITIVE_INFINITY;
  let east = Number.NEGATIVE_INFINITY;
  let north = Number.NEGATIVE_INFINITY;
  for (const [lon, lat] of outline) {
    west = Math.min(west, lon);
    south = Math.min(south, lat);
    east = Math.max(east, lon);
    north = Math.max(north, lat);
  }
  return [west, south, east, north];
}
