import { defineShader } from "../shader.ts";
import { decay, isNan } from "../wgsl/math.ts";
import { planPlaces, ssdParams } from "./wgsl.ts";

// Fills `plan`: one invocation per chunk of a head. See `planes` for its content, which `index` of the packed sequences (see
// `sequenceIndex`) orders by ranks.
export const ssdPlanShader = defineShader({
  name: "ssdScan plan",
  read: { logDecay: "f32", weight: "f32", index: "u32" },
  write: { plan: "u32" },
  params: { ...ssdParams, count: "u32" },
  code: /* wgsl */ `
${isNan}
${decay}
${planPlaces}
fn indexWord(b: u32, word: u32) -> u32 { return index[b * (2u * p.length + 1u) + word]; }
fn rowAt(b: u32, rank: u32) -> u32 {
  let l = min(rank, p.length - 1u);
  if (p.index_stride == 0u) { return b * p.length + l; }
  return b * p.length + indexWord(b, l);
}
fn startOf(b: u32, rank: u32) -> u32 {
  if (p.index_stride == 0u) { return 0u; }
  return indexWord(b, p.length + rank);
}
fn realCount(b: u32) -> u32 {
  if (p.index_stride == 0u) { return p.length; }
  return indexWord(b, 2u * p.length);
}
fn describeRanks(b: u32, low: u32, high: u32) {
  let info = infoAt(b);
  for (var rank = low; rank < low + 64u; rank++) { plan[info + rank] = rowAt(b, rank); }
  var last = high;
  for (var next = high; next > low; next--) {
    let rank = next - 1u;
    let start = startOf(b, rank);
    if (next == high || startOf(b, next) != start) { last = rank; }
    plan[info + ranks() + rank] = start;
    plan[info + 2u * ranks() + rank] = last;
  }
  if (low == 0u) { plan[info + 3u * ranks()] = realCount(b); }
}
fn put(at: u32, value: f32) { plan[at] = bitcast<u32>(value); }
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let h = i % p.heads;
  let c = (i / p.heads) % p.chunks;
  let b = i / (p.heads * p.chunks);
  let low = c * 64u;
  let high = clamp(realCount(b), low, low + 64u);
  if (h == 0u) { describeRanks(b, low, high); }
  var lastStart = 0u;
  if (high > low) { lastStart = startOf(b, high - 1u); }
  var total = 0.0;
  var part = 0.0;
  var isReached = true;
  for (var rank = low; rank < high; rank++) {
    let row = rowAt(b, rank);
    let a = logDecay[p.logDecay_at + row * p.logDecay_stride + p.first + h];
    if (rank % 16u == 0u) { part = 0.0; }
    part += a;
    total += a;
    if (rank > 0u && startOf(b, rank) == rank) { isReached = false; }
    put(planeAt(0u, b, h) + rank, a);
    put(planeAt(1u, b, h) + rank, weight[p.weight_at + row * p.weight_stride + p.first + h]);
    put(planeAt(2u, b, h) + rank, part);
    put(planeAt(4u, b, h) + rank, select(0.0, decay(total), isReached));
  }
  part = 0.0;
  var behind = 0.0;
  for (var next = high; next > low; next--) {
    let rank = next - 1u;
    if (next % 16u == 0u) { part = 0.0; }
    put(planeAt(3u, b, h) + rank, part);
    put(planeAt(5u, b, h) + rank, select(0.0, decay(behind), rank >= lastStart));
    let a = bitcast<f32>(plan[planeAt(0u, b, h) + rank]);
    part += a;
    behind += a;
  }
  put(chunkDecayAt(b, c, h), decay(total));
  if (lastStart >= max(low, 1u)) { plan[chunkDecayAt(b, c, h)] = freshBits; }
}`,
});
