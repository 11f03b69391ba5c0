import { defineCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, result } from "../cases/inputs.ts";
import { isValid } from "../cases/sampling.ts";
import type { Values } from "../math.ts";
import { B, defineOp, f32 } from "../opSuite.ts";
import { Random } from "../random.ts";

/**
 * For logits [B, V]: the lowest index among the largest of each row, -1 when it holds a NaN or +infinity, or no finite
 * number.
 */
function reference(batch: number, vocabSize: number, logits: Values): Int32Array {
  return Int32Array.from({ length: batch }, (_, b) => {
    const row = Array.from({ length: vocabSize }, (_, v) => logits[b * vocabSize + v] ?? NaN);
    return isValid(row) ? row.indexOf(row.reduce((a, b) => Math.max(a, b))) : -1;
  });
}

function build(B: number, V: number, note = "", edit?: (logits: Float32Array) => void): OpCase {
  const view = note.includes("view");
  const label = `B${B} V${V}${note}`;
  return defineCase({
    op: "argmax",
    label,
    sizes: { B, V },
    cost: { flops: B * V, bytes: bytesOf(B * V) + bytesOf(B, "i32") },
    inputs: () => {
      const data = new Random(`argmax ${label}`).normals(B * V);
      edit?.(data);
      const logits = floats(data, [B, V]);
      return { logits: view ? asView(logits) : logits };
    },
    run: (kernel, t) => ({ ids: kernel.argmax(t.logits) }),
    reference: (v) => ({ ids: result([B], reference(B, V, v.logits)) }),
  });
}

export const argmax = defineOp("argmax", {
  reference,
  cases: [
    ...[1, 3, 5, 17, 33, 129, 513, 2049].map((V, i) => build((i % 3) + 1, V)),
    build(9, 50),
    build(1, 50_280, ", a real vocabulary"),
    build(4, 33, " of a view"),
    build(2, 40, ", ties: the lowest index", (logits) => {
      for (const i of [39, 7, 21, 8, 40 + 16, 40 + 3, 40 + 39]) logits[i] = 9;
    }),
    build(2, 37, ", all equal", (logits) => {
      logits.fill(-2);
    }),
    build(3, 21, ", the last is the largest", (logits) => {
      for (const i of [20, 41, 62]) logits[i] = 50;
    }),
    build(3, 21, ", all -infinity: nothing can be chosen", (logits) => {
      logits.fill(-Infinity, 0, 42);
    }),
    build(3, 21, ", all but one -infinity", (logits) => {
      logits.fill(-Infinity);
      for (const i of [13, 21, 62]) logits[i] = -1e30;
    }),
    build(4, 21, ", nothing can be chosen from a row with NaN", (logits) => {
      logits[17] = logits[21] = logits[22] = logits[83] = NaN;
      logits[2] = -Infinity;
    }),
    build(4, 45, ", nothing can be chosen from a row with +infinity", (logits) => {
      logits[44] = logits[45] = logits[136] = Infinity;
      logits[140] = NaN;
    }),
    build(1, 4, ", zeros of both signs are equal", (logits) => {
      logits.set([-1, -0, 0, -0]);
    }),
  ],
  benchmarks: [build(1, 50_280)],
  minimal: { args: { logits: f32(B, 7) }, call: (k, t) => [k.argmax(t.logits)] },
  batched: { arguments: ["logits"] },
});
