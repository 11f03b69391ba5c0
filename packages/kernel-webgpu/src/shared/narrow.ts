import { flatChunks } from "../memory/chunks.ts";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";

// Numbers of 32 bits, rounded to 16 bits and stored two to a word: to the nearest, ties to even. In integers, because devices may
// treat subnormal numbers as 0 and round otherwise.
const narrowShader = defineShader({
  name: "narrow",
  read: { x: "u32" },
  write: { y: "u32" },
  params: { count: "u32", words: "u32", brain: "u32" },
  code: /* wgsl */ `
fn rounded(bits: u32, shift: u32) -> u32 {
  return (bits + (1u << (shift - 1u)) - 1u + ((bits >> shift) & 1u)) >> shift;
}
fn half(i: u32) -> u32 {
  let bits = x[p.x_at + i];
  let size = bits & 0x7fffffffu;
  let sign = (bits >> 16u) & 0x8000u;
  if (p.brain != 0u) {
    if (size > 0x7f800000u) { return (bits >> 16u) | 0x40u; }
    return sign | rounded(size, 16u);
  }
  if (size > 0x7f800000u) { return sign | 0x7e00u; }
  if (size >= 0x477ff000u) { return sign | 0x7c00u; }
  // Below 2^-14 the result is a multiple of 2^-24; from 25 bits on it is 0.
  if (size < 0x38800000u) {
    return sign | rounded((size & 0x7fffffu) | 0x800000u, min(126u - (size >> 23u), 25u));
  }
  return sign | rounded(size - 0x38000000u, 13u);
}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.words) { return; }
    var high = 0u;
    if (2u * i + 1u < p.count) { high = half(2u * i + 1u) << 16u; }
    y[p.y_at / 2u + i] = half(2u * i) | high;
  }
}`,
});

/** Overwrites a dense f16 or bf16 tensor with a dense f32 tensor of the same shape, rounded. */
export function narrow(runtime: Runtime, op: string, target: WebGpuTensor, source: WebGpuTensor): void {
  const brain = target.dtype === "bf16" ? 1 : 0;
  for (const { start, count } of flatChunks(runtime, source, 2)) {
    const words = Math.ceil(count / 2);
    const buffers = { x: { tensor: source, start, count }, y: { tensor: target, start, count } };
    runtime.run(op, narrowShader, buffers, { count, words, brain }, Math.ceil(words / 256));
  }
}
