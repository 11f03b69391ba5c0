import { defineCase, floats, type OpCase } from "../case.ts";
import { asView, bytesOf, cycled, lengths, result } from "../cases/inputs.ts";
import type { Values } from "../math.ts";
import { B, D, defineOp, f32, L, manyRows } from "../opSuite.ts";
import { Random } from "../random.ts";

/** y[b, l] = x[b, L-1-l] for x [B, L, D] */
function reference(batch: number, length: number, channels: number, x: Values): Float64Array {
  const y = new Float64Array(batch * length * channels);
  for (let b = 0; b < batch; b++) {
    for (let l = 0; l < length; l++) {
      for (let d = 0; d < channels; d++) {
        y[(b * length + l) * channels + d] = x[(b * length + length - 1 - l) * channels + d]!;
      }
    }
  }
  return y;
}

function build(B: number, L: number, D: number, view: boolean): OpCase {
  const label = `B${B} L${L} D${D}${view ? " of a view" : ""}`;
  return defineCase({
    op: "flip",
    label,
    sizes: { B, L, D },
    cost: { flops: 0, bytes: bytesOf(2 * B * L * D) },
    inputs: () => {
      const x = floats(new Random(`flip ${label}`).normals(B * L * D), [B, L, D]);
      return { x: view ? asView(x) : x };
    },
    run: (kernel, t) => ({ y: kernel.flip(t.x) }),
    reference: (v) => ({ y: result([B, L, D], reference(B, L, D, v.x)) }),
  });
}

export const flip = defineOp("flip", {
  reference,
  cases: [
    ...lengths.map((L, i) => build((i % 3) + 1, L, cycled([1, 5, 17], i), false)),
    build(2, 7, 5, true),
    build(3, 33, 1, true),
  ],
  minimal: { args: { x: f32(B, L, D) }, call: (k, t) => [k.flip(t.x)] },
  rows: { arguments: ["x"], many: [build(manyRows, 5, 9, false)] },
});
