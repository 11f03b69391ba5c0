import { memoize } from "../memoize.ts";
import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { finiteKeys, keyOf, largestKey } from "../wgsl/keys.ts";

// The lowest index among the largest logits, -1 unless the largest is finite: one workgroup per row. Logits are compared by their
// bits, by which NaN is the largest.
export const argmaxShader = memoize((subgroups: boolean) =>
  defineShader({
    name: "argmax",
    enable: subgroups ? ["subgroups"] : [],
    read: { logits: "u32" },
    write: { ids: "i32" },
    params: { vocabSize: "u32" },
    workgroup: 256,
    code: /* wgsl */ `
${keyOf}
${finiteKeys}
${largestKey(subgroups)}
fn run(row: u32, lane: u32) {
  let start = p.logits_at + row * p.logits_stride;
  var key = 0u;
  var index = 0u;
  for (var i = lane; i < p.vocabSize; i += workgroupSize) {
    let next = keyOf(logits[start + i]);
    if (next > key) { key = next; index = i; }
  }
  let found = largestKey(lane, key, index);
  if (lane == 0u) { ids[row] = select(-1, i32(found.y), isFiniteKey(found.x)); }
}`,
  }),
);

export const argmax: Op<"argmax"> = (runtime, { batch, vocabSize }, logits) => {
  const ids = runtime.result("argmax", [batch], "i32");
  const shader = argmaxShader(runtime.traits.subgroups);
  runtime.run("argmax", shader, { logits, ids }, { vocabSize }, batch);
  return ids;
};
