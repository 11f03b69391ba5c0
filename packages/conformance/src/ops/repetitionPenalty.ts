import { defineCase, floats, ints, type OpCase } from "../case.ts";
import { asView, bytesOf, cycled, result, withValues } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, defineOp, f32, i32, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

/** logits [B, V], ids [B, K]: each distinct id of a row once, `l > 0 ? l / penalty : l * penalty` */
function reference(
  batch: number,
  vocabSize: number,
  idCount: number,
  logits: Values,
  ids: Values,
  penalty: number,
): Float64Array {
  const y = Float64Array.from(logits);
  for (let b = 0; b < batch; b++) {
    const distinct = new Set(Array.from({ length: idCount }, (_, k) => ids[b * idCount + k]!));
    for (const id of distinct) {
      if (id < 0 || id >= vocabSize) continue;
      const i = b * vocabSize + id;
      y[i] = y[i]! > 0 ? y[i]! / penalty : y[i]! * penalty;
    }
  }
  return y;
}

interface Options {
  view?: boolean;
  note?: string;
  ids?: readonly number[];
  values?: readonly number[];
}

function build(B: number, V: number, K: number, penalty: number, options: Options = {}): OpCase {
  const { view = false, note = "", ids, values = [] } = options;
  const label = `B${B} V${V} K${K} penalty ${penalty}${view ? " of a view" : ""}${note}`;
  return defineCase({
    op: "repetitionPenalty",
    label,
    sizes: { B, V, K },
    cost: { flops: B * K, bytes: bytesOf(2 * B * V) + bytesOf(B * K, "i32") },
    inputs: () => {
      const random = new Random(`repetitionPenalty ${label}`);
      const logits = floats(withValues(random.normals(B * V), values), [B, V]);
      return {
        logits: view ? asView(logits) : logits,
        ids: ints(ids ?? Array.from({ length: B * K }, () => random.integer(0, V - 1)), [B, K]),
      };
    },
    run: (kernel, t) => ({ y: kernel.repetitionPenalty(t.logits, t.ids, penalty) }),
    reference: (v) => ({ y: result([B, V], reference(B, V, K, v.logits, v.ids, penalty)) }),
  });
}

export const repetitionPenalty = defineOp("repetitionPenalty", {
  reference,
  cases: [
    ...[1, 3, 17, 129, 2049].map((V, i) => build((i % 3) + 1, V, cycled([1, 5, 33], i), 1.3)),
    build(2, 33, 7, 0.5),
    build(2, 33, 7, 1),
    build(3, 20, 6, 1.7, { view: true }),
    build(2, 9, 6, 2, {
      note: ", an id several times counts once",
      ids: [3, 3, 3, 3, 0, 0, 8, 8, 1, 8, 1, 8],
    }),
    build(2, 9, 5, 2, {
      note: ", ids outside are padding",
      ids: [-1, 9, 2 ** 31 - 1, -(2 ** 31), 4, -1, -1, -1, -1, -1],
    }),
    build(1, 6, 6, 2, {
      note: ", zeros, infinities and NaN",
      ids: [0, 1, 2, 3, 4, 5],
      values: [0, -0, Infinity, -Infinity, NaN, 1],
    }),
  ],
  minimal: {
    args: { logits: f32(B, 7), ids: i32(B, 3) },
    dense: ["ids"],
    anyWidth: ["logits", "ids"],
    call: (k, t) => [k.repetitionPenalty(t.logits, t.ids, 1.5)],
  },
  rows: { arguments: ["logits"], integers: ["ids"], many: [build(manyRows, 129, 5, 1.3)] },
  outOfRange: (kernel, scope) => {
    const logits = scope.use(kernel.zeros([2, 5], "f32"));
    const ids = scope.use(kernel.zeros([2, 3], "i32"));
    return [
      ["penalty 0", () => kernel.repetitionPenalty(logits, ids, 0)],
      ["penalty infinite", () => kernel.repetitionPenalty(logits, ids, Infinity)],
    ];
  },
});
