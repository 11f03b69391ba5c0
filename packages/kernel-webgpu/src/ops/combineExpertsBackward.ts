import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

// dy[r, j] = weights[r, j] dOut[r], dWeights[r, j] = y[r, j] · dOut[r]. A row here is one (r, j).
const combineExpertsBackwardShader = defineShader({
  name: "combineExpertsBackward",
  read: { dOut: "f32", y: "f32", weights: "f32" },
  write: { dy: "f32", dWeights: "f32" },
  params: { rows: "u32", perToken: "u32", width: "u32" },
  code: /* wgsl */ `
${reduction("f32", "total", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let r = row / p.perToken;
  let weight = weights[p.weights_at + r * p.weights_stride + row % p.perToken];
  var sum = 0.0;
  for (var i = first; i < p.width; i += ${lanesPerRow}u) {
    let gradient = dOut[p.dOut_at + r * p.dOut_stride + i];
    sum = fma(y[p.y_at + row * p.y_stride + i], gradient, sum);
    if (place < p.rows) { dy[row * p.width + i] = weight * gradient; }
  }
  sum = total(lane, sum);
  if (place < p.rows && first == 0u) { dWeights[row] = sum; }
}`,
});

export const combineExpertsBackward: Op<"combineExpertsBackward"> = (
  runtime,
  { rows, perToken, outFeatures: width },
  dOut,
  y,
  weights,
) => {
  const op = "combineExpertsBackward";
  const dy = runtime.result(op, y.shape);
  const dWeights = runtime.result(op, weights.shape);
  const choices = rows * perToken;
  runtime.run(
    op,
    combineExpertsBackwardShader,
    { dOut, y, weights, dy, dWeights },
    { rows: choices, perToken, width },
    Math.ceil(choices / rowsPerGroup),
  );
  return { y: dy, weights: dWeights };
};
