import { runAttention } from "../attention/runAttention.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";

// Copies k to the positions of `keys` from `lengths` on: one invocation per number. The same for v and `values`.
export const cacheShader = defineShader({
  name: "cachedAttention cache",
  read: { x: "f32", lengths: "i32" },
  write: { cache: "f32" },
  params: { count: "u32", length: "u32", capacity: "u32", width: "u32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let column = i % p.width;
  let l = (i / p.width) % p.length;
  let b = i / (p.width * p.length);
  let first = u32(clamp(lengths[p.lengths_at + b], 0, i32(p.capacity - p.length)));
  cache[p.cache_at + (b * p.capacity + first + l) * p.width + column] = x[p.x_at + (b * p.length + l) * p.x_stride + column];
}`,
});

export const cachedAttention: Op<"cachedAttention"> = (runtime, sizes, args) => {
  const op = "cachedAttention";
  const { batch, length, capacity, heads, kvHeads, keyDim, valueDim } = sizes;
  const { q, k, v, keys, values, lengths, scale } = args;
  const copies = [
    { x: k, cache: keys, width: kvHeads * keyDim },
    { x: v, cache: values, width: kvHeads * valueDim },
  ];
  for (const { x, cache, width } of copies) {
    const count = batch * length * width;
    const params = { count, length, capacity, width };
    runtime.run(op, cacheShader, { x, lengths, cache }, params, Math.ceil(count / 64));
  }
  const y = runtime.result(op, [batch, length, heads * valueDim]);
  runAttention(runtime, op, sizes, { q, k: keys, v: values, scale, lengths }, { y });
  return y;
};
