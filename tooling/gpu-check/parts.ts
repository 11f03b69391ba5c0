/**
 * The parts in order of importance, with the most seconds of each: CUDA's suite and figures, then WebGPU's, then
 * comparisons. From the bytes and operations of each part, 30 + 5 + 5 + 60 + 30 + 105 seconds are expected of CUDA's on an H200,
 * 60 + 10 + 5 + 20 + 50 of WebGPU's and 10 + 90 of the comparisons; the sanitizer takes the rest. Even when each part takes
 * its most, the figures of WebGPU are begun before the time of all is over.
 */
export const partSeconds = {
  ...{ conformance: 100, training: 30, ceilings: 20, scans: 70, ops: 50, models: 120 },
  webgpu: 15,
  "webgpu-conformance": 75,
  "webgpu-training": 45,
  "webgpu-ceilings": 15,
  "webgpu-scans": 25,
  "webgpu-models": 60,
  ...{ products: 40, peers: 120, sanitizer: 300 },
};

export type PartName = keyof typeof partSeconds;

export const partNames = Object.keys(partSeconds) as PartName[];

/** Time limit of all parts together, for a run that is killed after ten minutes. */
export const allSeconds = 540;
