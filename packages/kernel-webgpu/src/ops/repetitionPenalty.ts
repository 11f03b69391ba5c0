import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { copyRowsInto } from "../shared/copyRows.ts";

// y[id] = l > 0 ? l / penalty : l * penalty with l = logits[id], for each id of the row. An id that occurs twice is written
// twice with the same number, because l is read from the logits and not from y.
export const repetitionPenaltyShader = defineShader({
  name: "repetitionPenalty",
  read: { logits: "f32", ids: "i32" },
  write: { y: "f32" },
  params: { count: "u32", idCount: "u32", vocabSize: "u32", penalty: "f32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let id = u32(ids[p.ids_at + i]);
  if (id >= p.vocabSize) { return; }
  let row = i / p.idCount;
  let logit = logits[p.logits_at + row * p.logits_stride + id];
  y[row * p.vocabSize + id] = select(logit * p.penalty, logit / p.penalty, logit > 0.0);
}`,
});

export const repetitionPenalty: Op<"repetitionPenalty"> = (
  runtime,
  { batch, vocabSize, idCount },
  logits,
  ids,
  penalty,
) => {
  const op = "repetitionPenalty";
  const y = runtime.result(op, logits.shape);
  copyRowsInto(runtime, op, y, logits, batch, vocabSize, undefined);
  const count = batch * idCount;
  const params = { count, idCount, vocabSize, penalty };
  runtime.run(op, repetitionPenaltyShader, { logits, ids, y }, params, Math.ceil(count / 64));
  return y;
};
