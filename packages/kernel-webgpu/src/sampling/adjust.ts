import { defineShader } from "../shader.ts";

// The logits of `sample` after the repetition penalty (l > 0 ? l / p : l * p), `add` and `allow`: one workgroup per row, whose
// invocations wait for each other between the steps. A NaN or +infinity stays, also where an id is not allowed.
export const adjustShader = defineShader({
  name: "sample adjust",
  read: { logits: "u32", options: "u32", seen: "i32", ids: "i32", values: "f32", allow: "u32" },
  write: { y: "u32" },
  params: { vocabSize: "u32", seenCount: "u32", addCount: "u32", optionWords: "u32" },
  workgroup: 256,
  code: /* wgsl */ `
fn run(row: u32, lane: u32) {
  let begin = p.logits_at + row * p.logits_stride;
  let to = row * p.vocabSize;
  for (var v = lane; v < p.vocabSize; v += workgroupSize) { y[to + v] = logits[begin + v]; }
  storageBarrier();
  if (p.seen_stride != 0u) {
    let penalty = bitcast<f32>(options[(row + 1u) * p.optionWords - 1u]);
    for (var k = lane; k < p.seenCount; k += workgroupSize) {
      let id = u32(seen[p.seen_at + row * p.seenCount + k]);
      if (id >= p.vocabSize || penalty == 1.0) { continue; }
      // From the logits, not from y: an id that occurs several times is penalised once.
      let logit = bitcast<f32>(logits[begin + id]);
      y[to + id] = bitcast<u32>(select(logit * penalty, logit / penalty, logit > 0.0));
    }
    storageBarrier();
  }
  if (p.ids_stride != 0u) {
    // All values of one id are added by one invocation, in their order.
    for (var k = 0u; k < p.addCount; k++) {
      let id = u32(ids[p.ids_at + row * p.addCount + k]);
      if (id >= p.vocabSize || id % workgroupSize != lane) { continue; }
      y[to + id] = bitcast<u32>(bitcast<f32>(y[to + id]) + values[p.values_at + row * p.addCount + k]);
    }
    storageBarrier();
  }
  let words = (p.vocabSize + 31u) / 32u;
  for (var v = lane; v < p.vocabSize; v += workgroupSize) {
    let bits = logits[begin + v];
    if (bits == 0x7f800000u || (bits & 0x7fffffffu) > 0x7f800000u) { y[to + v] = bits; continue; }
    if (p.allow_stride == 0u) { continue; }
    let word = allow[p.allow_at + row * words + v / 32u];
    if (((word >> (v % 32u)) & 1u) == 0u) { y[to + v] = 0xff800000u; }
  }
}`,
});
