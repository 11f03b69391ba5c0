import { formats, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import type { WebGpuTensor } from "../tensor.ts";

// Rows of any stride, in any order, into a dense tensor. Bits move, not numbers: a word of 32 bits is an element of f32
// and i32, and two elements of f16 and bf16.
const shader = defineShader({
  name: "copyRows",
  read: { source: "u32", index: "i32" },
  write: { y: "u32" },
  params: { words: "u32", width: "u32", each: "u32", count: "u32", half: "u32" },
  code: /* wgsl */ `
// Where element e of the target stands in the source.
fn place(e: u32) -> u32 {
  var row = e / p.width;
  if (p.index_stride != 0u) { row = u32(index[row / p.each]) * p.each + row % p.each; }
  return p.source_at + row * p.source_stride + e % p.width;
}
fn half(e: u32) -> u32 {
  let i = place(e);
  return (source[i / 2u] >> (16u * (i % 2u))) & 0xffffu;
}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.words) { return; }
    if (p.half == 0u) {
      y[i] = source[place(i)];
    } else {
      var high = 0u;
      if (2u * i + 1u < p.count) { high = half(2u * i + 1u) << 16u; }
      y[i] = half(2u * i) | high;
    }
  }
}`,
});

/** What `gatherRows` picks: rows of the first axis, each of `each` rows of the last. */
export interface Selection {
  readonly index: WebGpuTensor;
  readonly each: number;
}

/** A new dense tensor of the rows of `source`, all in order, or those of a selection. */
export function copyRows(runtime: Runtime, op: string, source: WebGpuTensor): WebGpuTensor {
  const target = runtime.result(op, source.shape, source.dtype);
  copyRowsInto(runtime, op, target, source, rowCount(source), lastExtent(source.shape), undefined);
  return target;
}

/** As `copyRows`, over the dense `target` of `rows` rows of `width`. */
export function copyRowsInto(
  runtime: Runtime,
  op: string,
  target: WebGpuTensor,
  source: WebGpuTensor,
  rows: number,
  width: number,
  selection: Selection | undefined,
): void {
  const half = formats[source.dtype].blockBytes === 2;
  const count = rows * width;
  const words = half ? Math.ceil(count / 2) : count;
  runtime.run(
    op,
    shader,
    { source, index: selection?.index, y: target },
    { words, width, each: selection?.each ?? 1, count, half: half ? 1 : 0 },
    Math.ceil(words / 256),
  );
}
