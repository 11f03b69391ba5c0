import { byteLength, type FloatDType } from "@mamba/kernel";
import { rowChunks } from "../memory/chunks.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { weightAt, weightElement } from "../wgsl/weights.ts";

// y[i] = weight[ids[i]], for the ids in this chunk of the table.
const embeddingShader = (dtype: FloatDType) =>
  defineShader({
    name: `embedding ${dtype}`,
    read: { ids: "i32", weight: weightElement(dtype) },
    write: { y: "f32" },
    params: { count: "u32", features: "u32", vocabSize: "i32", first: "i32", rows: "i32" },
    code: /* wgsl */ `
${weightAt(dtype)}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let row = clamp(ids[p.ids_at + i / p.features], 0, p.vocabSize - 1) - p.first;
    if (row >= 0 && row < p.rows) {
      y[i] = weightAt(p.weight_at + u32(row) * p.features + i % p.features);
    }
  }
}`,
  });

export const embeddingShaders = {
  f32: embeddingShader("f32"),
  f16: embeddingShader("f16"),
  bf16: embeddingShader("bf16"),
};

export const embedding: Op<"embedding"> = (runtime, sizes, ids, weight) => {
  const op = "embedding";
  const { count: rows, vocabSize, features, shape } = sizes;
  const shader = embeddingShaders[weight.dtype as FloatDType];
  const y = runtime.result(op, shape);
  const count = rows * features;
  const bytesRead = byteLength(weight.dtype, [rows, features]);
  for (const chunk of rowChunks(runtime, weight)) {
    const params = { count, features, vocabSize, first: chunk.first, rows: chunk.rows };
    const buffers = { ids, weight: { ...chunk, bytesRead }, y };
    runtime.run(op, shader, buffers, params, Math.ceil(count / 256));
  }
  return y;
};
