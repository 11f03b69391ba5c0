import { elementCount, isQuantized, quantizedTypes, type WeightDType } from "@mamba/kernel";
import { defineCase, defineTrainingCase, floats, ints, type OpCase } from "../case.ts";
import { asView, bytesOf, result, withValues } from "../cases/inputs.ts";
import { blockOf, extremeBlocks, randomBlocks } from "../cases/storageBlocks.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, defineTrainingOp, f32, i32, L, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

/** Row ids[i], clamped to [0, V), of weight [V, D] */
function reference(vocabSize: number, features: number, ids: Values, weight: Values): Float64Array {
  const y = new Float64Array(ids.length * features);
  for (let i = 0; i < ids.length; i++) {
    const id = Math.min(Math.max(ids[i]!, 0), vocabSize - 1);
    for (let d = 0; d < features; d++) y[i * features + d] = weight[id * features + d]!;
  }
  return y;
}

/** dWeight [V, D]: row ids[i], clamped to [0, V) as in the forward, gets row i of dy [ids, D]; equal ids add up. */
function backwardReference(vocabSize: number, features: number, dy: Values, ids: Values): Float64Array {
  const dWeight = new Float64Array(vocabSize * features);
  for (let i = 0; i < ids.length; i++) {
    const id = Math.min(Math.max(ids[i]!, 0), vocabSize - 1);
    for (let d = 0; d < features; d++) {
      const k = id * features + d;
      dWeight[k]! += dy[i * features + d]!;
    }
  }
  return dWeight;
}

function build(
  V: number,
  D: number,
  shape: readonly number[],
  dtype: WeightDType,
  note = "",
  ids?: readonly number[],
  values: readonly number[] = [],
  extreme = false,
): OpCase {
  const label = `V${V} D${D} ids [${shape.join(",")}] ${dtype}${note}`;
  const count = elementCount(shape);
  return defineCase({
    op: "embedding",
    label,
    sizes: { V, D, ids: count },
    cost: { flops: 0, bytes: bytesOf(count, "i32") + bytesOf(count * D, dtype) + bytesOf(count * D) },
    requires: [{ op: "embedding", dtype }],
    ...(isQuantized(dtype) && {
      tolerance: { nmse: 0, reason: "every dequantised value is exact, or rounded once, in float32" },
    }),
    inputs: () => {
      const random = new Random(`embedding ${label}`);
      return {
        ids: ints(ids ?? Array.from({ length: count }, () => random.integer(0, V - 1)), shape),
        weight: isQuantized(dtype)
          ? (extreme ? extremeBlocks : randomBlocks)(random, [V, D], dtype)
          : floats(withValues(random.normals(V * D), values), [V, D], dtype),
      };
    },
    run: (kernel, t) => ({ y: kernel.embedding(t.ids, t.weight) }),
    reference: (v) => ({ y: result([...shape, D], reference(V, D, v.ids, v.weight)) }),
  });
}

interface BackwardOptions {
  note?: string;
  ids?: readonly number[];
  view?: boolean;
  /** Overwrite the first elements of dy. */
  values?: readonly number[];
}

function backwardCase(V: number, D: number, shape: readonly number[], options: BackwardOptions = {}): OpCase {
  const { note = "", ids, view = false, values = [] } = options;
  const label = `V${V} D${D} ids [${shape.join(",")}]${view ? " of a view" : ""}${note}`;
  const count = elementCount(shape);
  return defineTrainingCase({
    op: "embeddingBackward",
    label,
    sizes: { V, D, ids: count },
    cost: { flops: count * D, bytes: bytesOf(count, "i32") + bytesOf((count + V) * D) },
    inputs: () => {
      const random = new Random(`embeddingBackward ${label}`);
      const dy = floats(withValues(random.normals(count * D), values), [...shape, D]);
      return {
        dy: view ? asView(dy) : dy,
        ids: ints(ids ?? Array.from({ length: count }, () => random.integer(0, V - 1)), shape),
      };
    },
    run: (kernel, t) => ({ dWeight: kernel.embeddingBackward(t.dy, t.ids, V) }),
    reference: (v) => ({ dWeight: result([V, D], backwardReference(V, D, v.dy, v.ids)) }),
  });
}

export const embedding = defineOp("embedding", {
  reference,
  cases: [
    ...quantizedTypes.flatMap((dtype) => {
      const block = blockOf(dtype);
      const clamped = [-1, 5, 2 ** 31 - 1, -(2 ** 31), 0, 4];
      const all = Array.from({ length: 24 }, (_, i) => i);
      return [
        build(1, block, [1], dtype),
        build(5, 3 * block, [6], dtype, ", ids out of range are clamped", clamped),
        build(33, 5 * block, [2, 9], dtype),
        build(24, 2 * block, [24], dtype, ", blocks at the ends of their ranges", all, [], true),
      ];
    }),
    ...(["f32", "f16", "bf16"] as const).flatMap((dtype) => [
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
    ]),
  ],
  benchmarks: (["f32", "f16"] as const).map((dtype) => build(50_280, 768, [512], dtype)),
  minimal: {
    args: { ids: i32(B, L), weight: f32(7, D) },
    dense: ["ids", "weight"],
    anyAxes: ["ids"],
    anyWidth: ["ids", "weight"],
    call: (k, t) => [k.embedding(t.ids, t.weight)],
  },
  rows: {
    arguments: [],
    integers: ["ids"],
    many: [
      ...(["f32", "f16", "bf16"] as const).map((dtype) => build(40, 517, [manyRows], dtype)),
      ...quantizedTypes.map((dtype) => build(40, 3 * blockOf(dtype), [manyRows], dtype)),
    ],
  },
});

export const embeddingBackward = defineTrainingOp("embeddingBackward", {
  reference: backwardReference,
  cases: [
    backwardCase(1, 1, [1]),
    backwardCase(7, 3, [5]),
    backwardCase(33, 17, [2, 9]),
    backwardCase(11, 64, [2, 3, 4]),
    backwardCase(256, 9, [3, 129], { note: ", many more ids than a row takes" }),
    backwardCase(3, 33, [200], { note: ", each row many times" }),
    backwardCase(1000, 5, [7], { note: ", most rows untouched" }),
    backwardCase(7, 301, [40], { note: ", wide rows" }),
    backwardCase(9, 20, [11], { view: true }),
    backwardCase(5, 7, [6], { ids: [2, 2, 2, 2, 2, 2], note: ", one row again and again" }),
    backwardCase(5, 9, [6], {
      ids: [-1, 5, 2 ** 31 - 1, -(2 ** 31), 0, 4],
      note: ", ids out of range are clamped",
    }),
    backwardCase(5, 3, [4], {
      ids: [1, 3, 1, 0],
      values: [NaN, 1, Infinity],
      note: ", NaN and infinity in one row",
    }),
  ],
  minimal: {
    args: { dy: f32(B, L, D), ids: i32(B, L) },
    dense: ["ids"],
    anyWidth: ["dy"],
    call: (k, t) => [k.embeddingBackward(t.dy, t.ids, 7)],
  },
  outOfRange: (kernel, scope) => {
    const dy = scope.use(kernel.zeros([2, 5], "f32"));
    const ids = scope.use(kernel.zeros([2], "i32"));
    return [
      ["vocabSize 0", () => kernel.embeddingBackward(dy, ids, 0)],
      ["vocabSize 2.5", () => kernel.embeddingBackward(dy, ids, 2.5)],
    ];
  },
});
