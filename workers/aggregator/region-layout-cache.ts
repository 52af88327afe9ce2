import { type RegionLayout, WHOLE } from "../../contract/region-layout.ts";
import type { RegionId } from "../../domain/units.ts";

/**
 * The layouts that this isolate knows of regions that are split; they are few.
 *
 * What it knows may be old: whoever is asked under a layout that does not hold any more says so.
 */
export class RegionLayoutCache {
  private readonly split = new Map<RegionId, RegionLayout>();
  private readonly onFirst: (regionId: RegionId) => void;

  /** `onFirst` learns of each region that is split, once. */
  constructor(onFirst: (regionId: RegionId) => void = () => undefined) {
    this.onFirst = onFirst;
  }

  of(regionId: RegionId): RegionLayout {
    return this.split.get(regionId) ?? WHOLE;
  }

  learn(regionId: RegionId, layout: RegionLayout): void {
    if (!this.split.has(regionId)) this.onFirst(regionId);
    this.split.set(regionId, layout);
  }

  /** The region's root is to be asked again. */
  forget(regionId: RegionId): void {
    this.split.delete(regionId);
  }
}
