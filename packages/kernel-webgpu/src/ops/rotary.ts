import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { cosineAndSine } from "../wgsl/trigonometry.ts";

/** WGSL `pairOf(i)`: the columns of pair i in a head. */
export const pairOf = /* wgsl */ `
fn pairOf(i: u32) -> vec2<u32> {
  if (p.interleaved != 0u) { return vec2<u32>(2u * i, 2u * i + 1u); }
  return vec2<u32>(i, i + p.pairs);
}`;

// (a, b) -> (a cos - b sin, a sin + b cos) for the pairs of columns of each head: one invocation per pair, and one per column that is
// only copied. A position has `places` of both in each head.
export const rotaryShader = defineShader({
  name: "rotary",
  read: { x: "f32", angles: "f32" },
  write: { y: "f32" },
  params: {
    ...({ count: "u32", heads: "u32", headDim: "u32", pairs: "u32", places: "u32" } as const),
    ...({ interleaved: "u32", perHead: "u32", inverse: "u32" } as const),
  },
  code: /* wgsl */ `
${cosineAndSine}
${pairOf}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let place = i % p.places;
  let h = (i / p.places) % p.heads;
  let row = i / (p.places * p.heads);
  let from_ = p.x_at + row * p.x_stride + h * p.headDim;
  let to = (row * p.heads + h) * p.headDim;
  if (place >= p.pairs) {
    let column = place + p.pairs;
    y[to + column] = x[from_ + column];
    return;
  }
  let angle = angles[p.angles_at + row * p.angles_stride + select(0u, h * p.pairs, p.perHead != 0u) + place];
  var turn = cosineAndSine(angle);
  if (p.inverse != 0u) { turn.y = -turn.y; }
  let columns = pairOf(place);
  let a = x[from_ + columns.x];
  let b = x[from_ + columns.y];
  y[to + columns.x] = a * turn.x - b * turn.y;
  y[to + columns.y] = a * turn.y + b * turn.x;
}`,
});

export const rotary: Op<"rotary"> = (
  runtime,
  { batch, length, heads, headDim, pairs },
  { x, angles, pairing, anglesPerHead = false, inverse = false },
) => {
  const op = "rotary";
  const y = runtime.result(op, x.shape);
  const places = headDim - pairs;
  const count = batch * length * heads * places;
  const params = {
    ...{ count, heads, headDim, pairs, places },
    interleaved: pairing === "interleaved" ? 1 : 0,
    perHead: anglesPerHead ? 1 : 0,
    inverse: inverse ? 1 : 0,
  };
  runtime.run(op, rotaryShader, { x, angles, y }, params, Math.ceil(count / 64));
  return y;
};
