import { loadLanes, madd, storeLanes } from "./lanes.ts";
import { OptionalPointer } from "./records.ts";
import { CHUNK_ELEMENTS, entryOf, TensorEntry, TensorTable } from "./tensorTable.ts";

// For every parameter, with stepSize = lr / (1 - beta1^step) and rootScale = 1 / sqrt(1 - beta2^step):
//
//   g     = grad · gradScale
//   m     = beta1 · m + (1 - beta1) · g
//   v     = beta2 · v + (1 - beta2) · g²
//   param = param · (1 - lr · weightDecay) - stepSize · m / (sqrt(v) · rootScale + eps)

@unmanaged
export class AdamwStepArgs extends TensorTable {
  gradScale!: OptionalPointer; // f32 [1]
  keep!: f32; // 1 - lr · weightDecay
  stepSize!: f32;
  rootScale!: f32;
  eps!: f32;
  beta1!: f32;
  beta2!: f32;
  oneMinusBeta1!: f32;
  oneMinusBeta2!: f32;
}

export function adamwStepUnits(args: AdamwStepArgs): i32 {
  return args.units;
}

export function adamwStepRun(args: AdamwStepArgs, begin: i32, end: i32, scratch: usize): void {
  for (let unit = begin; unit < end; unit++) {
    const entry = entryOf(args, unit);
    const first = (unit - entry.firstUnit) * CHUNK_ELEMENTS;
    update(args, entry, (<usize>first) << 2, (<usize>min(entry.features - first, CHUNK_ELEMENTS)) << 2);
  }
}

function update(args: AdamwStepArgs, entry: TensorEntry, from: usize, bytes: usize): void {
  const gradScale = f32x4.splat(args.gradScale ? load<f32>(args.gradScale) : 1);
  const keep = f32x4.splat(args.keep);
  const stepSize = f32x4.splat(-args.stepSize);
  const rootScale = f32x4.splat(args.rootScale);
  const eps = f32x4.splat(args.eps);
  const beta1 = f32x4.splat(args.beta1);
  const beta2 = f32x4.splat(args.beta2);
  const oneMinusBeta1 = f32x4.splat(args.oneMinusBeta1);
  const oneMinusBeta2 = f32x4.splat(args.oneMinusBeta2);
  const end = from + bytes;
  for (let i = from; i < end; i += 16) {
    const lanes = <i32>((end - i) >> 2);
    const g = f32x4.mul(loadLanes(entry.x + i, lanes), gradScale);
    const m = madd(beta1, loadLanes(entry.m + i, lanes), f32x4.mul(oneMinusBeta1, g));
    const v = madd(beta2, loadLanes(entry.v + i, lanes), f32x4.mul(oneMinusBeta2, f32x4.mul(g, g)));
    const root = madd(f32x4.sqrt(v), rootScale, eps);
    const param = f32x4.mul(loadLanes(entry.param + i, lanes), keep);
    storeLanes(entry.m + i, m, lanes);
    storeLanes(entry.v + i, v, lanes);
    storeLanes(entry.param + i, madd(f32x4.div(m, root), stepSize, param), lanes);
  }
}
