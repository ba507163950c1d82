import type { GroupPattern } from './groups.rules';
import type { GroupLimits, TotalLimits } from './limits.rules';

export interface NewGroup {
  name: string;
  patterns: GroupPattern[];
  limits?: Partial<GroupLimits>;
}

export interface QuotaSeed {
  groups: NewGroup[];
  total?: Partial<TotalLimits>;
}

/** Cameras of a prefix, whether a path begins with it or stands below `cameras/`. */
const cameras = (name: string, streams: number): NewGroup => ({
  name,
  patterns: [
    { kind: 'prefix', value: name },
    { kind: 'prefix', value: `cameras/${name}` },
  ],
  limits: { streams },
});

/** A city's cameras, as an example: four owners, 500 streams in all. */
export const EXAMPLE_QUOTA: QuotaSeed = {
  groups: [cameras('dubai_police_', 50), cameras('metro_', 30), cameras('bus_', 20), cameras('other_', 400)],
  total: { streams: 500 },
};
