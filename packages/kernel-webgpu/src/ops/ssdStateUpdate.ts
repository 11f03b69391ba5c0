import { memoize } from "../memoize.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { decay, isNan } from "../wgsl/math.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

// ssdScan for one token, in one pass over the state:
//   S[p, n] = exp(logDecay) S[p, n] + weight x[p] B[n]        y[p] = sum_n S[p, n] C[n] + D x[p]
// On a GPU 16 invocations process one row p of a state, and neighbours read neighbouring numbers. On a software adapter one does,
// which needs no barrier.
export const ssdStateUpdateShader = memoize((parallel: boolean) =>
  defineShader({
    name: `ssdStateUpdate${parallel ? ", shared rows" : ""}`,
    read: { x: "f32", B: "f32", C: "f32", logDecay: "f32", weight: "f32", D: "f32" },
    write: { state: "f32", y: "f32" },
    params: { rows: "u32", heads: "u32", headDim: "u32", stateSize: "u32", perGroup: "u32" },
    code: /* wgsl */ `
${isNan}
${decay}
${parallel ? reduction("f32", "total", "a + b") : ""}
fn run(group: u32, lane: u32) {
  ${
    parallel
      ? rowOfLane
      : `let place = group * workgroupSize + lane;
  if (place >= p.rows) { return; }
  let row = place;
  let first = 0u;`
  }
  let width = p.heads * p.headDim;
  let b = row / width;
  let column = row % width;
  let h = column / p.headDim;
  let from_ = (h / p.perGroup) * p.stateSize;
  let atB = p.B_at + b * p.B_stride + from_;
  let atC = p.C_at + b * p.C_stride + from_;
  let value = x[p.x_at + b * p.x_stride + column];
  let input = weight[p.weight_at + b * p.weight_stride + h] * value;
  let keep = decay(logDecay[p.logDecay_at + b * p.logDecay_stride + h]);
  let start = p.state_at + row * p.stateSize;
  var sum = 0.0;
  for (var n = first; n < p.stateSize; n += ${parallel ? lanesPerRow : 1}u) {
    let next = fma(keep, state[start + n], input * B[atB + n]);
    sum = fma(C[atC + n], next, sum);
    ${parallel ? "if (place < p.rows) { state[start + n] = next; }" : "state[start + n] = next;"}
  }
  ${
    parallel
      ? `sum = total(lane, sum);
  if (place >= p.rows || first > 0u) { return; }`
      : ""
  }
  if (p.D_stride != 0u) { sum = fma(D[p.D_at + h], value, sum); }
  y[row] = sum;
}`,
  }),
);

export const ssdStateUpdate: Op<"ssdStateUpdate"> = (
  runtime,
  { batch, heads, groups, headDim, stateSize },
  state,
  { x, B, C, logDecay, weight, D },
) => {
  const op = "ssdStateUpdate";
  const { parallel } = runtime.traits;
  const y = runtime.result(op, x.shape);
  const rows = batch * heads * headDim;
  runtime.run(
    op,
    ssdStateUpdateShader(parallel),
    { x, B, C, logDecay, weight, D, state, y },
    { rows, heads, headDim, stateSize, perGroup: heads / groups },
    Math.ceil(rows / (parallel ? rowsPerGroup : 64)),
  );
  return y;
};
