import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { decay, isNan, nan } from "../wgsl/math.ts";
import { joined } from "../wgsl/softmax.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

// y = exp(x - max(x)) / sum(exp(x - max(x))), and NaN in a row whose maximum is no finite number or whose sum is 0, because all of it
// is -infinity.
const softmaxShader = defineShader({
  name: "softmax",
  read: { x: "f32" },
  write: { y: "f32" },
  params: { rows: "u32", features: "u32" },
  code: /* wgsl */ `
${isNan}
${nan}
${decay}
${joined}
${reduction("vec2<f32>", "total", "joined(a, b)")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let start = p.x_at + row * p.x_stride;
  var own = nothingJoined;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) { own = joined(own, vec2<f32>(x[start + i], 1.0)); }
  let all = total(lane, own);
  if (place >= p.rows) { return; }
  let isWrong = (bitcast<u32>(all.x) & 0x7f800000u) == 0x7f800000u || all.y == 0.0;
  for (var i = first; i < p.features; i += ${lanesPerRow}u) {
    y[row * p.features + i] = select(decay(x[start + i] - all.x) / all.y, nan(), isWrong);
  }
}`,
});

export const softmax: Op<"softmax"> = (runtime, { rows, features }, x) => {
  const y = runtime.result("softmax", x.shape);
  runtime.run("softmax", softmaxShader, { x, y }, { rows, features }, Math.ceil(rows / rowsPerGroup));
  return y;
};
