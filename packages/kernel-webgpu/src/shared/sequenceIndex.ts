import type { WebGpuTensor } from "../memory/tensor.ts";
import type { Runtime } from "../runtime.ts";
import { defineShader } from "../shader.ts";

// One workgroup per row; each invocation goes three times over a chunk of positions. Between, the chunks exchange the number of
// their real positions, the last of these, and the rank at which their last sequence starts.
const sequenceIndexShader = defineShader({
  name: "sequenceIndex",
  read: { ids: "i32" },
  write: { index: "u32" },
  params: { length: "u32" },
  workgroup: 256,
  code: /* wgsl */ `
const none = 0xffffffffu;
var<workgroup> counts: array<u32, workgroupSize>;
var<workgroup> lasts: array<u32, workgroupSize>;
var<workgroup> starts: array<u32, workgroupSize>;
fn run(group: u32, lane: u32) {
  let row = p.ids_at + group * p.length;
  let out = group * (2u * p.length + 1u);
  let size = (p.length + workgroupSize - 1u) / workgroupSize;
  let begin = min(lane * size, p.length);
  let end = min(begin + size, p.length);
  var count = 0u;
  var last = none;
  for (var l = begin; l < end; l++) {
    if (ids[row + l] >= 0) { count++; last = l; }
  }
  counts[lane] = count;
  lasts[lane] = last;
  workgroupBarrier();

  var first = 0u;
  var total = 0u;
  var before = none;
  for (var i = 0u; i < workgroupSize; i++) {
    if (i == lane) { first = total; }
    if (i < lane && counts[i] > 0u) { before = lasts[i]; }
    total += counts[i];
  }
  var rank = first;
  var previous = before;
  var start = none;
  for (var l = begin; l < end; l++) {
    if (ids[row + l] < 0) { index[out + total + l - rank] = l; continue; }
    if (previous != none && ids[row + previous] != ids[row + l]) { start = rank; }
    index[out + rank] = l;
    previous = l;
    rank++;
  }
  starts[lane] = start;
  workgroupBarrier();

  start = 0u;
  for (var i = 0u; i < lane; i++) {
    if (starts[i] != none) { start = starts[i]; }
  }
  rank = first;
  previous = before;
  for (var l = begin; l < end; l++) {
    if (ids[row + l] < 0) { continue; }
    if (previous != none && ids[row + previous] != ids[row + l]) { start = rank; }
    index[out + p.length + rank] = start;
    previous = l;
    rank++;
  }
  if (lane == 0u) { index[out + 2u * p.length] = total; }
}`,
});

/**
 * Returns the index of packed sequences, which `sequenceFunctions` reads: for each row of `ids` i32 [B, L] the position of each
 * rank (L words), the rank at which the sequence of each real rank starts (L words), and the number of real positions. The
 * caller disposes it. Undefined without ids.
 */
export function sequenceIndex(
  runtime: Runtime,
  op: string,
  ids: WebGpuTensor | undefined,
): WebGpuTensor | undefined {
  if (!ids) return undefined;
  const [batch = 0, length = 0] = ids.shape;
  const index = runtime.result(op, [batch, 2 * length + 1], "i32");
  runtime.run(op, sequenceIndexShader, { ids, index }, { length }, batch);
  return index;
}
