import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { cosineAndSine } from "../wgsl/trigonometry.ts";
import { pairOf } from "./rotary.ts";

// With the gradients (da, db) of a rotated pair (a, b): dAngle = da (-a sin - b cos) + db (a cos - b sin), and the negative of that for
// negative angles, summed over the heads that share the angle. One invocation per angle.
const rotaryBackwardAnglesShader = defineShader({
  name: "rotaryBackwardAngles",
  read: { dy: "f32", x: "f32", angles: "f32" },
  write: { dAngles: "f32" },
  params: {
    ...({ count: "u32", heads: "u32", headDim: "u32", pairs: "u32" } as const),
    ...({ interleaved: "u32", perHead: "u32", inverse: "u32" } as const),
  },
  code: /* wgsl */ `
${cosineAndSine}
${pairOf}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let width = p.pairs * select(1u, p.heads, p.perHead != 0u);
  let row = i / width;
  let column = i % width;
  var turn = cosineAndSine(angles[p.angles_at + row * p.angles_stride + column]);
  if (p.inverse != 0u) { turn.y = -turn.y; }
  let columns = pairOf(column % p.pairs);
  var h = column / p.pairs;
  let end = select(p.heads, h + 1u, p.perHead != 0u);
  var sum = 0.0;
  for (; h < end; h++) {
    let atX = p.x_at + row * p.x_stride + h * p.headDim;
    let atDy = p.dy_at + row * p.dy_stride + h * p.headDim;
    let a = x[atX + columns.x];
    let b = x[atX + columns.y];
    sum += dy[atDy + columns.y] * (a * turn.x - b * turn.y) - dy[atDy + columns.x] * (a * turn.y + b * turn.x);
  }
  dAngles[i] = select(sum, -sum, p.inverse != 0u);
}`,
});

export const rotaryBackwardAngles: Op<"rotaryBackwardAngles"> = (
  runtime,
  { batch, length, heads, headDim, pairs },
  dy,
  { x, angles, pairing, anglesPerHead = false, inverse = false },
) => {
  const op = "rotaryBackwardAngles";
  const dAngles = runtime.result(op, angles.shape);
  const count = batch * length * pairs * (anglesPerHead ? heads : 1);
  const params = {
    ...{ count, heads, headDim, pairs },
    interleaved: pairing === "interleaved" ? 1 : 0,
    perHead: anglesPerHead ? 1 : 0,
    inverse: inverse ? 1 : 0,
  };
  runtime.run(op, rotaryBackwardAnglesShader, { dy, x, angles, dAngles }, params, Math.ceil(count / 64));
  return dAngles;
};
