import { formats, lastExtent } from "@mamba/kernel";
import { rowCount } from "@mamba/kernel/author";
import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";

// Copies rows of any stride, in any order, into a dense tensor. It copies bits: a word of 32 bits is one element of f32 and
// i32, or two elements of f16 and bf16.
const copyRowsShader = defineShader({
  name: "copyRows",
  read: { source: "u32", index: "i32" },
  write: { y: "u32" },
  params: { words: "u32", width: "u32", rowsPerIndex: "u32", count: "u32", half: "u32" },
  code: /* wgsl */ `
// The index in the source of element e of the target.
fn sourceIndex(e: u32) -> u32 {
  var row = e / p.width;
  if (p.index_stride != 0u) { row = u32(index[row / p.rowsPerIndex]) * p.rowsPerIndex + row % p.rowsPerIndex; }
  return p.source_at + row * p.source_stride + e % p.width;
}
fn half(e: u32) -> u32 {
  let i = sourceIndex(e);
  return (source[i / 2u] >> (16u * (i % 2u))) & 0xffffu;
}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.words) { return; }
    if (p.half == 0u) {
      y[p.y_at + i] = source[sourceIndex(i)];
    } else {
      var high = 0u;
      if (2u * i + 1u < p.count) { high = half(2u * i + 1u) << 16u; }
      y[p.y_at / 2u + i] = half(2u * i) | high;
    }
  }
}`,
});

/** Rows of the first axis to copy, each of which is `rowsPerIndex` rows of the last axis. */
export interface Selection {
  readonly index: WebGpuTensor;
  readonly rowsPerIndex: number;
}

/** Returns a new dense tensor with the rows of `source`. */
export function copyRows(runtime: Runtime, op: string, source: WebGpuTensor): WebGpuTensor {
  const target = runtime.result(op, source.shape, source.dtype);
  copyRowsInto(runtime, op, target, source, rowCount(source), lastExtent(source.shape), undefined);
  return target;
}

/** Overwrites the dense `target` [rows, width] with the rows of `source`: all in order, or those of a selection. */
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
    copyRowsShader,
    { source, index: selection?.index, y: target },
    { words, width, rowsPerIndex: selection?.rowsPerIndex ?? 1, count, half: half ? 1 : 0 },
    Math.ceil(words / 256),
  );
}
