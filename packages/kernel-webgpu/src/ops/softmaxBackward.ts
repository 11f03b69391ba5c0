import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

// dx = y (dy - sum(dy y))
const softmaxBackwardShader = defineShader({
  name: "softmaxBackward",
  read: { dy: "f32", y: "f32" },
  write: { dx: "f32" },
  params: { rows: "u32", features: "u32" },
  code: /* wgsl */ `
${reduction("f32", "total", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let dyStart = p.dy_at + row * p.dy_stride;
  let yStart = p.y_at + row * p.y_stride;
  var own = 0.0;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) { own += dy[dyStart + i] * y[yStart + i]; }
  let all = total(lane, own);
  if (place >= p.rows) { return; }
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    dx[row * p.features + i] = y[yStart + i] * (dy[dyStart + i] - all);
  }
}`,
});

export const softmaxBackward: Op<"softmaxBackward"> = (runtime, { rows, features }, dy, y) => {
  const op = "softmaxBackward";
  const dx = runtime.result(op, y.shape);
  const groups = Math.ceil(rows / rowsPerGroup);
  runtime.run(op, softmaxBackwardShader, { dy, y, dx }, { rows, features }, groups);
  return dx;
};
