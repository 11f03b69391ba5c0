import { byteLength, checkEmbedding, type FloatDType, type Tensor } from "@mamba/kernel";
import { piecesOf } from "../pieces.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";
import { weightAt, weightElement } from "../wgsl/weights.ts";

// y[i] = weight[ids[i]], for the ids that lie in this piece of the table.
const build = (dtype: FloatDType) =>
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

export const embeddingShaders = { f32: build("f32"), f16: build("f16"), bf16: build("bf16") };

export function embedding(runtime: Runtime, ids: Tensor, weight: Tensor): Tensor {
  const { count: rows, vocabSize, features, shape } = checkEmbedding(ids, weight);
  const op = "embedding";
  runtime.checkOpen(op);
  const [tokens, table] = [runtime.own(op, "ids", ids), runtime.own(op, "weight", weight)];
  const shader = embeddingShaders[weight.dtype as FloatDType];
  const y = runtime.result(op, shape);
  const count = rows * features;
  for (const piece of piecesOf(runtime, table)) {
    const params = { count, features, vocabSize, first: piece.first, rows: piece.rows };
    const touched = byteLength(weight.dtype, [rows, features]);
    runtime.run(
      op,
      shader,
      { ids: tokens, weight: { ...piece, touched }, y },
      params,
      Math.ceil(count / 256),
    );
  }
  return y;
}
