import { memoize } from "../memoize.ts";
import { defineShader } from "../shader.ts";
import { tileCode, tileRow, tileShaderName } from "../wgsl/tileProduct.ts";
import { chunkOfGroup, planReaders, ssdParams } from "./wgsl.ts";

// slots [chunks + 1, B, heads, P, N]: slot c is the state before chunk c. Backwards, the chunks count from the end and a slot holds
// the gradient of a state: that of the state after the last chunk in slot 0.

// Computes the sum that the positions of a chunk add to the state after it, x' = weight * decay to the end * x:
//   Z[p, n] = sum_j x'[j, p] B[j, n]
// Backwards, with x = dy, B = C and the decay from the start of the chunk: the sum that they add to the gradient of the state before it.
// One workgroup per tile of 64 by 64 numbers of a state.
export const ssdChunkStatesShader = memoize((parallel: boolean) => {
  const tile = tileCode(parallel);
  return defineShader({
    name: tileShaderName("ssdScan chunk states", parallel),
    read: { x: "f32", B: "f32", plan: "u32" },
    write: { slots: "f32" },
    params: { ...ssdParams, rowTiles: "u32", columnTiles: "u32", backwards: "u32" },
    code: /* wgsl */ `
${planReaders}
${tile.memory}
fn run(group: u32, lane: u32) {
  ${chunkOfGroup("(p.rowTiles * p.columnTiles)")}
  let row = (group / p.columnTiles % p.rowTiles) * 64u;
  let column = (group % p.columnTiles) * 64u;
  ${tile.place}
  // Ranks [from_, to) count: those of the last sequence, or backwards of the first.
  var from_ = low;
  var to = high;
  if (terms > 0u) {
    if (p.backwards == 0u) { from_ = max(low, startOf(b, high - 1u)); }
    else if (!seesStart(b, low, low)) { to = low; }
    else { to = lastOf(b, low) + 1u; }
  }
  let count = to - from_;
  let decays = planeAt(select(5u, 4u, p.backwards != 0u), b, h);
  let weights = planeAt(1u, b, h);
  ${tile.zeroSums("s")}
  ${tile.product({
    sums: "s",
    terms: "count",
    left: {
      layout: "across",
      value: (at, k) => `scaledX(b, from_ + ${k}, min(row + ${at}, p.headDim - 1u), head, decays, weights)`,
    },
    right: {
      layout: "across",
      value: (at, k) =>
        `B[p.B_at + rowAt(b, from_ + ${k}) * p.B_stride + g * p.stateSize + min(column + ${at}, p.stateSize - 1u)]`,
    },
    rows: "p.headDim - row",
    columns: "p.stateSize - column",
  })}
  let slot = select(c, p.chunks - 1u - c, p.backwards != 0u) + 1u;
  let at = p.slots_at + ((slot * p.batch + b) * p.heads + h) * p.headDim * p.stateSize;
  ${tile.eachRow((r) => tile.eachSum("s", r, (sum, at) => `store(at, row + ${tileRow(r)}, column + ${at}, ${sum});`))}
}
fn scaledX(b: u32, rank: u32, d: u32, head: u32, decays: u32, weights: u32) -> f32 {
  let value = x[p.x_at + rowAt(b, rank) * p.x_stride + head * p.headDim + d] * number(decays + rank);
  if (p.backwards != 0u) { return value; }
  return value * number(weights + rank);
}
fn store(at: u32, row: u32, column: u32, sums: vec4<f32>) {
  if (row >= p.headDim) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (column + i < p.stateSize) { slots[at + row * p.stateSize + column + i] = sums[i]; }
  }
}`,
  });
});

// Slot s + 1 += decay of its chunk * slot s, in order: one invocation per number of a state. Nothing is carried across the start
// of a sequence other than the first.
export const ssdCarryShader = defineShader({
  name: "ssdScan carry",
  read: { plan: "u32" },
  write: { slots: "f32" },
  params: { ...ssdParams, count: "u32", backwards: "u32" },
  code: /* wgsl */ `
${planReaders}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let states = p.headDim * p.stateSize;
  let h = (i / states) % p.heads;
  let b = i / (states * p.heads);
  var state = slots[p.slots_at + i];
  for (var s = 0u; s < p.chunks; s++) {
    let c = select(s, p.chunks - 1u - s, p.backwards != 0u);
    let bits = plan[chunkDecayAt(b, c, h)];
    let at = p.slots_at + (s + 1u) * p.count + i;
    if (bits == freshBits) { state = slots[at]; }
    else { state = fma(bitcast<f32>(bits), state, slots[at]); }
    slots[at] = state;
  }
}`,
});
