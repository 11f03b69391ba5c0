import { defineShader } from "../shader.ts";

/** WGSL `expertAt(i)`: the expert of choice i = r * K + j. */
export const expertAt = /* wgsl */ `
fn expertAt(i: u32) -> u32 { return u32(clamp(experts[p.experts_at + i], 0, i32(p.expertCount) - 1)); }`;

// counts[e] = the number of choices of each expert; loads[e] = the same divided by the number of all choices. One workgroup per
// expert. The numbers are whole, so the order of additions does not matter.
export const expertCountsShader = defineShader({
  name: "expert counts",
  read: { experts: "i32" },
  write: { counts: "u32", loads: "f32" },
  params: { choices: "u32", expertCount: "u32" },
  code: /* wgsl */ `
${expertAt}
var<workgroup> each: array<u32, workgroupSize>;
fn run(expert: u32, lane: u32) {
  var own = 0u;
  for (var i = lane; i < p.choices; i += workgroupSize) {
    if (expertAt(i) == expert) { own++; }
  }
  each[lane] = own;
  workgroupBarrier();
  if (lane > 0u) { return; }
  var count = 0u;
  for (var i = 0u; i < workgroupSize; i++) { count += each[i]; }
  if (p.counts_stride != 0u) { counts[expert] = count; }
  if (p.loads_stride != 0u) { loads[expert] = f32(count) / f32(p.choices); }
}`,
});

// order [choices + E + 1]: the choices sorted by expert, those of one expert in their order, and then the start of the choices of each
// expert in this list, with its end. One workgroup per expert, whose invocations take consecutive choices.
export const expertOrderShader = defineShader({
  name: "expert order",
  read: { experts: "i32", counts: "u32" },
  write: { order: "u32" },
  params: { choices: "u32", expertCount: "u32" },
  code: /* wgsl */ `
${expertAt}
var<workgroup> each: array<u32, workgroupSize>;
fn run(expert: u32, lane: u32) {
  var start = 0u;
  for (var e = 0u; e < expert; e++) { start += counts[e]; }
  let size = (p.choices + workgroupSize - 1u) / workgroupSize;
  let first = min(lane * size, p.choices);
  let end = min(first + size, p.choices);
  var own = 0u;
  for (var i = first; i < end; i++) {
    if (expertAt(i) == expert) { own++; }
  }
  each[lane] = own;
  workgroupBarrier();
  var at = start;
  for (var i = 0u; i < lane; i++) { at += each[i]; }
  for (var i = first; i < end; i++) {
    if (expertAt(i) == expert) {
      order[at] = i;
      at++;
    }
  }
  if (lane == 0u) { order[p.choices + expert] = start; }
  if (expert == p.expertCount - 1u && lane == workgroupSize - 1u) { order[p.choices + p.expertCount] = at; }
}`,
});
