import type { WeightDType } from "@mamba/kernel";
import { memoize } from "../memoize.ts";
import { rowChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { storedBytes } from "../quantized/layouts.ts";
import { quantizedReaders } from "../quantized/wgsl.ts";
import { defineShader } from "../shader.ts";
import { isQuantizedKind, weightAt, weightElement } from "../wgsl/weights.ts";

/** WGSL `element(row, column)` of the table. */
function elementReader(dtype: WeightDType): string {
  if (isQuantizedKind(dtype)) {
    return /* wgsl */ `
${quantizedReaders(dtype)}
fn element(row: u32, column: u32) -> f32 { return fourWeights(weightRow(row), column / 4u)[column % 4u]; }`;
  }
  return /* wgsl */ `
${weightAt(dtype)}
fn element(row: u32, column: u32) -> f32 { return weightAt(p.weight_at + row * p.features + column); }`;
}

// y[i] = weight[ids[i]], for the ids in this chunk of the table.
export const embeddingShader = memoize((dtype: WeightDType) =>
  defineShader({
    name: `embedding ${dtype}`,
    read: { ids: "i32", weight: weightElement(dtype) },
    write: { y: "f32" },
    params: { count: "u32", features: "u32", vocabSize: "i32", first: "i32", rows: "i32" },
    code: /* wgsl */ `
${elementReader(dtype)}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = clamp(ids[p.ids_at + i / p.features], 0, p.vocabSize - 1) - p.first;
    if (row >= 0 && row < p.rows) { y[i] = element(u32(row), i % p.features); }
  }
}`,
  }),
);

export const embedding: Op<"embedding"> = (runtime, sizes, ids, weight) => {
  const op = "embedding";
  const { count: rows, vocabSize, features, shape } = sizes;
  const shader = embeddingShader(weight.dtype as WeightDType);
  const y = runtime.result(op, shape);
  const count = rows * features;
  const bytesRead = storedBytes(weight.dtype, [rows, features]);
  for (const chunk of rowChunks(runtime, weight)) {
    const params = { count, features, vocabSize, first: chunk.first, rows: chunk.rows };
    const buffers = { ids, weight: { ...chunk, bytesRead }, y };
    runtime.run(op, shader, buffers, params, Math.ceil(count / 256));
  }
  return y;
};
