import type { Op } from "../op.ts";
import { defineShader } from "../shader.ts";
import { positionRanges } from "../wgsl/positionRanges.ts";
import { lanesPerRow, reduction, rowOfLane, rowsPerGroup } from "../wgsl/sums.ts";

// The number of positions that count for each sequence, one row of invocations per sequence.
const sequenceCountsShader = defineShader({
  name: "meanPositionsBackward counts",
  read: { ids: "i32", ranges: "i32" },
  write: { total: "f32" },
  params: { rows: "u32", length: "u32", positions: "u32" },
  code: /* wgsl */ `
${positionRanges}
${reduction("f32", "sum", "a + b")}
fn run(group: u32, lane: u32) {
  ${rowOfLane}
  let range = rangeOf(row);
  var own = 0.0;
  for (var at = range.x + first; at < range.y; at += ${lanesPerRow}u) { own += select(0.0, 1.0, counts(at, row)); }
  let all = sum(lane, own);
  if (first == 0u && place < p.rows) { total[row] = all; }
}`,
});

// dx[at] = dy[s] / count(s) where the position counts for its sequence, else 0.
const meanPositionsBackwardShader = defineShader({
  name: "meanPositionsBackward",
  read: { dy: "f32", ids: "i32", ranges: "i32", total: "f32" },
  write: { dx: "f32" },
  params: { count: "u32", channels: "u32", rows: "u32", length: "u32", positions: "u32" },
  code: /* wgsl */ `
${positionRanges}
fn run(group: u32, lane: u32) {
  for (var k = 0u; k < 4u; k++) {
    let i = group * 256u + k * workgroupSize + lane;
    if (i >= p.count) { return; }
    let at = i / p.channels;
    var s = at / p.length;
    var size = f32(p.length);
    if (p.ids_stride != 0u) { s = u32(ids[p.ids_at + at]); }
    var gradient = 0.0;
    if (s < p.rows) {
      let range = rangeOf(s);
      if (p.ids_stride != 0u) { size = total[s]; }
      if (at >= range.x && at < range.y) { gradient = dy[p.dy_at + s * p.dy_stride + i % p.channels] / size; }
    }
    dx[i] = gradient;
  }
}`,
});

export const meanPositionsBackward: Op<"meanPositionsBackward"> = (runtime, sizes, args) => {
  const op = "meanPositionsBackward";
  const { batch, length, channels, sequences: rows } = sizes;
  const { dy, sequenceIds: ids, ranges } = args;
  const dx = runtime.result(op, [batch, length, channels]);
  const positions = batch * length;
  const total = ids && runtime.result(op, [rows]);
  if (total) {
    const params = { rows, length, positions };
    runtime.run(op, sequenceCountsShader, { ids, ranges, total }, params, Math.ceil(rows / rowsPerGroup));
  }
  const count = positions * channels;
  const params = { count, channels, rows, length, positions };
  const buffers = { dy, ids, ranges, total, dx };
  runtime.run(op, meanPositionsBackwardShader, buffers, params, Math.ceil(count / 256));
  total?.dispose();
  return dx;
};
