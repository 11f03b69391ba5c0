/**
 * The parts in order of importance, with the most seconds of each. From the bytes and operations of each part,
 * 30 + 5 + 5 + 60 + 90 + 10 + 90 seconds are expected on an H200; the sanitizer takes the rest.
 */
export const partSeconds = {
  ...{ conformance: 180, training: 40, ceilings: 30, scans: 120, models: 150 },
  ...{ products: 40, peers: 150, sanitizer: 300 },
};

export type PartName = keyof typeof partSeconds;

export const partNames = Object.keys(partSeconds) as PartName[];

/** Time limit of all parts together, for a run that is killed after ten minutes. */
export const allSeconds = 540;
