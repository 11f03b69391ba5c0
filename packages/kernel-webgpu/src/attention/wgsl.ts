// WGSL of attention. A key head `g` has `rep` query heads; its query rows are numbered by position, then by head:
// row = i * rep + r is position i and query head g * rep + r. Keys count from the first of a cache, of which position 0 of the
// queries is number `before(b)`.

import { decay, isNan } from "../wgsl/math.ts";

export const attentionParams = {
  ...({ batch: "u32", length: "u32", capacity: "u32", kvHeads: "u32", rep: "u32" } as const),
  ...({ keyDim: "u32", valueDim: "u32", scale: "f32" } as const),
} as const;

/** WGSL of places in the buffers q, k, v and those of query heads, `sees(b, i, j)`: true when position i sees key j, and `decay`. */
export const attentionPlaces = /* wgsl */ `
${isNan}
${decay}
fn idAt(b: u32, l: u32) -> i32 {
  if (p.ids_stride == 0u) { return 0; }
  return ids[p.ids_at + b * p.length + l];
}
fn queryPlace(b: u32, g: u32, row: u32) -> vec2<u32> {
  return vec2<u32>(b * p.length + row / p.rep, g * p.rep + row % p.rep);
}
fn qAt(b: u32, g: u32, row: u32) -> u32 {
  let place = queryPlace(b, g, row);
  return p.q_at + place.x * p.q_stride + place.y * p.keyDim;
}
fn kAt(b: u32, g: u32, j: u32) -> u32 { return p.k_at + (b * p.capacity + j) * p.k_stride + g * p.keyDim; }
fn vAt(b: u32, g: u32, j: u32) -> u32 { return p.v_at + (b * p.capacity + j) * p.v_stride + g * p.valueDim; }`;

/** WGSL `sees(b, i, j)` for keys at the positions of the queries. */
export const seesWithIds = /* wgsl */ `
fn sees(b: u32, i: u32, j: u32) -> bool { return j <= i && idAt(b, i) >= 0 && idAt(b, i) == idAt(b, j); }`;
