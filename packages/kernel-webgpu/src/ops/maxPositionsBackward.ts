import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";

// dx[index[s, d], d] = dy[s, d]; no element of dx is written twice.
const maxPositionsBackwardShader = defineShader({
  name: "maxPositionsBackward",
  read: { dy: "f32", index: "i32" },
  write: { dx: "f32" },
  params: { count: "u32", channels: "u32", positions: "u32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let d = i % p.channels;
  let at = u32(index[p.index_at + i]);
  if (at < p.positions) { dx[at * p.channels + d] = dy[p.dy_at + i / p.channels * p.dy_stride + d]; }
}`,
});

export const maxPositionsBackward: Op<"maxPositionsBackward"> = (runtime, sizes, { dy, index }) => {
  const op = "maxPositionsBackward";
  const { batch, length, channels, sequences } = sizes;
  const dx = runtime.result(op, [batch, length, channels]);
  runtime.commands.clear(op, dx.storage.buffer, 0, dx.storage.bytes);
  runtime.commands.write(dx.storage);
  const count = sequences * channels;
  const params = { count, channels, positions: batch * length };
  runtime.run(op, maxPositionsBackwardShader, { dy, index, dx }, params, Math.ceil(count / 64));
  return dx;
};
