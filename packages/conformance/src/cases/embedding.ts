import type { FloatDType } from "@mamba/kernel";
import { defineCase, floats, ints, type OpCase } from "../case.ts";
import { Random } from "../random.ts";
import { embedding } from "../reference/index.ts";
import { result, withValues } from "./shared.ts";

function build(
  V: number,
  D: number,
  shape: readonly number[],
  dtype: FloatDType,
  note = "",
  ids?: readonly number[],
  values: readonly number[] = [],
): OpCase {
  const label = `V${V} D${D} ids [${shape.join(",")}] ${dtype}${note}`;
  return defineCase({
    op: "embedding",
    label,
    sizes: { V, D, ids: shape.reduce((a, b) => a * b) },
    requires: [{ op: "embedding", dtype }],
    inputs: () => {
      const random = new Random(`embedding ${label}`);
      const count = shape.reduce((a, b) => a * b);
      return {
        ids: ints(ids ?? Array.from({ length: count }, () => random.integer(0, V - 1)), shape),
        weight: floats(withValues(random.normals(V * D), values), [V, D], dtype),
      };
    },
    run: (kernel, t) => ({ y: kernel.embedding(t.ids, t.weight) }),
    reference: (v) => ({ y: result([...shape, D], embedding(V, D, v.ids, v.weight)) }),
  });
}

export const embeddingCases = (["f32", "f16", "bf16"] as const).flatMap((dtype) => [
  build(1, 1, [1], dtype),
  build(7, 3, [5], dtype),
  build(33, 17, [2, 9], dtype),
  build(129, 33, [130], dtype),
  build(11, 64, [2, 3, 4], dtype),
  build(5, 9, [6], dtype, ", ids out of range are clamped", [-1, 5, 2 ** 31 - 1, -(2 ** 31), 0, 4]),
  build(
    6,
    5,
    [6],
    dtype,
    ", NaN, infinities and zeros in the table",
    [0, 1, 2, 3, 4, 5],
    [NaN, 0, Infinity, -Infinity, -0],
  ),
]);
