import { memoize } from "../memoize.ts";
import { defineShader } from "../shader.ts";
import { tileCode, tileRow, tileShaderName } from "../wgsl/tileProduct.ts";
import { chunkOfGroup, decayBetween, planReaders, ssdParams } from "./wgsl.ts";

// The shaders of ssdScanBackward. In a chunk with the state S before it and the gradient G of the state after it, and with ranks
// i >= j of one sequence:
//   R[i, j] = (dy[i] · x[j]) decayBetween(i, j)
//   u[i] = decay from the start to i * dy[i] · S C[i]          v[j] = decay from j to the end * x[j] · G B[j]
//   dC[i] = sum over the heads of a group: decay from the start to i * Sᵀ dy[i] + sum_j weight[j] R[i, j] B[j]
//   dB[j] = sum over the heads of a group: weight[j] * (decay from j to the end * Gᵀ x[j] + sum_i R[i, j] C[i])
//   dWeight[j] = sum_i CB[i, j] R[i, j] + v[j]
//   dLogDecay[t] = sum_{i >= t > j} CB[i, j] R[i, j] weight[j] + sum_{i >= t} u[i] + sum_{j < t} weight[j] v[j] + decay of the chunk * S · G
// A gradient of logDecay is a sum of such terms only, never a difference of sums.

/** Heads whose gradients of B and C one workgroup adds up. */
export const headsPerPart = 8;

// pairs [B, chunks, heads, 64, 64]: R[i, j], 0 for other pairs of ranks.
export const ssdPairsShader = memoize((parallel: boolean) => {
  const tile = tileCode(parallel);
  return defineShader({
    name: tileShaderName("ssdScanBackward pairs", parallel),
    read: { dy: "f32", x: "f32", plan: "u32" },
    write: { pairs: "f32" },
    params: ssdParams,
    code: /* wgsl */ `
${planReaders}
${decayBetween(parallel)}
${tile.memory}
fn run(group: u32, lane: u32) {
  ${chunkOfGroup("1u")}
  ${tile.place}
  loadOwn(lane, b, h, low);
  ${tile.zeroSums("s")}
  ${tile.product({
    sums: "s",
    terms: "p.headDim",
    left: {
      layout: "along",
      value: (i, k) => `dy[p.dy_at + rowAt(b, low + ${i}) * p.dy_stride + head * p.headDim + ${k}]`,
    },
    right: {
      layout: "along",
      value: (j, k) => `x[p.x_at + rowAt(b, low + ${j}) * p.x_stride + head * p.headDim + ${k}]`,
    },
    rows: "terms",
    columns: "terms",
  })}
  ${tile.eachRow((r) => tile.eachSum("s", r, (sum, at) => `store(group * 4096u, b, low, ${tileRow(r)}, ${at}, terms, ${sum});`))}
}
fn store(at: u32, b: u32, low: u32, i: u32, column: u32, terms: u32, sums: vec4<f32>) {
  for (var k = 0u; k < 4u; k++) {
    let j = column + k;
    var value = 0.0;
    if (i < terms && j <= i && startOf(b, low + i) <= low + j) { value = sums[k] * decayBetween(i, j); }
    pairs[at + i * 64u + j] = value;
  }
}`,
  });
});

// dC and u, or dB and v: one workgroup per 64 columns of a group, for at most `headsPerPart` of its heads.
//   sums [partsPerGroup, B, L, groups * N]       dots [B, heads, columnTiles, chunks * 64]: the sums of u or v over 64 columns
// `x` is dy for dC, `slots` holds S or G.
export const ssdGroupShader = memoize((isB: boolean, parallel: boolean) => {
  const tile = tileCode(parallel);
  const rank = (r: string) => `(low + ${tileRow(r)})`;
  const [factor, sees] = isB
    ? ["number(planeAt(5u, b, h) + rank)", "startOf(b, high - 1u) <= rank"]
    : ["number(planeAt(4u, b, h) + rank)", "seesStart(b, rank, low)"];
  const [own, other] = isB ? ["B", "C"] : ["C", "B"];
  const pair = isB ? "k * 64u + at" : "at * 64u + k";
  const column = (name: string, row: string, n: string) =>
    `${name}[p.${name}_at + rowAt(b, ${row}) * p.${name}_stride + g * p.stateSize + ${n}]`;
  return defineShader({
    name: tileShaderName(`ssdScanBackward ${own}`, parallel),
    read: { x: "f32", B: "f32", C: "f32", slots: "f32", pairs: "f32", plan: "u32" },
    write: { sums: "f32", dots: "f32" },
    params: {
      ...ssdParams,
      columnTiles: "u32",
      firstPart: "u32",
      parts: "u32",
      partsPerGroup: "u32",
      width: "u32",
    },
    code: /* wgsl */ `
${planReaders}
${tile.memory}
var<workgroup> rowSums: array<f32, 512>;
fn run(group: u32, lane: u32) {
  let tile = group % p.columnTiles;
  let column = tile * 64u;
  let part = p.firstPart + (group / p.columnTiles) % p.parts;
  let c = (group / (p.columnTiles * p.parts)) % p.chunks;
  let b = group / (p.columnTiles * p.parts * p.chunks);
  let g = part / p.partsPerGroup;
  let firstHead = g * p.perGroup + part % p.partsPerGroup * ${headsPerPart}u;
  let firstLocal = firstHead - p.first;
  let heads = min(${headsPerPart}u, (g + 1u) * p.perGroup - firstHead);
  let low = c * 64u;
  let end = min(low + 64u, p.length);
  let high = clamp(realCount(b), low, end);
  let terms = high - low;
  ${tile.place}
  ${tile.zeroSums("total")}
  ${tile.zeroSums("s")}
  for (var h = firstLocal; h < firstLocal + heads; h++) {
    let head = p.first + h;
    let slot = ${isB ? "p.chunks - 1u - c" : "c"};
    let slotAt = p.slots_at + ((slot * p.batch + b) * p.heads + h) * p.headDim * p.stateSize;
    // Not a declaration in the loop: some drivers keep its numbers from the iteration before.
    ${tile.eachRow((r) => tile.eachSum("s", r, (sum) => `${sum} = vec4<f32>(0.0);`))}
    ${tile.product({
      sums: "s",
      terms: "p.headDim",
      left: {
        layout: "along",
        value: (at, k) => `x[p.x_at + rowAt(b, low + ${at}) * p.x_stride + head * p.headDim + ${k}]`,
      },
      right: {
        layout: "across",
        value: (at, k) => `slots[slotAt + ${k} * p.stateSize + min(column + ${at}, p.stateSize - 1u)]`,
      },
      rows: "terms",
      columns: "p.stateSize - column",
    })}
    ${tile.eachRow(
      (r) => /* wgsl */ `
    {
      let rank = ${rank(r)};
      var dot_ = 0.0;
      if (rank < high) {
        let reached = ${sees};
        let factor = ${factor};
        ${isB ? "let weight = number(planeAt(1u, b, h) + rank);" : ""}
        ${tile.eachSum(
          "s",
          r,
          (sum, at) => /* wgsl */ `
        if (reached) {
          let scaled = ${sum} * factor;
          for (var i = 0u; i < 4u; i++) {
            let n = column + ${at} + i;
            if (n < p.stateSize) { dot_ = fma(${column(own, "rank", "n")}, scaled[i], dot_); }
          }
          ${sum.replace(/^s/, "total")} += scaled${isB ? " * weight" : ""};
        }`,
        )}
      }
      rowSums[${tileRow(r)} * 8u + ownColumn / 4u] = dot_;
    }`,
    )}
    workgroupBarrier();
    var sum = 0.0;
    for (var i = 0u; i < 8u; i++) { sum += rowSums[lane * 8u + i]; }
    dots[((b * p.heads + h) * p.columnTiles + tile) * ranks() + low + lane] = sum;
    workgroupBarrier();
  }
  ${tile.product({
    sums: "total",
    terms: "terms",
    left: {
      layout: isB ? "across" : "along",
      value: (at, k) => `allHeads(b, c, firstLocal, heads, ${at}, ${k})`,
    },
    right: {
      layout: "across",
      value: (at, k) => column(other, `low + ${k}`, `min(column + ${at}, p.stateSize - 1u)`),
    },
    rows: "terms",
    columns: "p.stateSize - column",
    range: (at) => `termsOf(b, low + ${at}, low, high)`,
  })}
  let sumsAt = part % p.partsPerGroup * p.batch * p.length * p.width + g * p.stateSize;
  ${tile.eachRow((r) => tile.eachSum("total", r, (sum, at) => `store(sumsAt, b, ${rank(r)}, high, end, column + ${at}, ${sum});`))}
}
fn termsOf(b: u32, rank: u32, low: u32, high: u32) -> vec2<u32> {
  if (rank >= high) { return vec2<u32>(1u, 0u); }
  return ${isB ? "vec2<u32>(rank - low, lastOf(b, rank) - low)" : "vec2<u32>(max(startOf(b, rank), low) - low, rank - low)"};
}
// The sum over the heads of weight[j] R[i, j], for two ranks of one sequence.
fn allHeads(b: u32, c: u32, firstLocal: u32, heads: u32, at: u32, k: u32) -> f32 {
  var sum = 0.0;
  for (var h = firstLocal; h < firstLocal + heads; h++) {
    let value = pairs[((b * p.chunks + c) * p.heads + h) * 4096u + ${pair}];
    sum += value * number(planeAt(1u, b, h) + c * 64u + ${isB ? "at" : "k"});
  }
  return sum;
}
fn store(at: u32, b: u32, rank: u32, high: u32, end: u32, column: u32, values: vec4<f32>) {
  if (rank >= end) { return; }
  for (var i = 0u; i < 4u; i++) {
    if (column + i < p.stateSize) { sums[at + rowAt(b, rank) * p.width + column + i] = select(0.0, values[i], rank < high); }
  }
}`,
  });
});

// For each chunk of a head the decay of the chunk * S · G, and the sum of dy · x: one workgroup for both.
export const ssdChunkSumsShader = defineShader({
  name: "ssdScanBackward chunk sums",
  read: { dy: "f32", x: "f32", slots: "f32", gradients: "f32", plan: "u32" },
  write: { through: "f32", skips: "f32" },
  params: ssdParams,
  code: /* wgsl */ `
${planReaders}
var<workgroup> each: array<vec2<f32>, workgroupSize>;
fn run(group: u32, lane: u32) {
  ${chunkOfGroup("1u")}
  let size = p.headDim * p.stateSize;
  let state = p.slots_at + ((c * p.batch + b) * p.heads + h) * size;
  let gradient = p.gradients_at + (((p.chunks - 1u - c) * p.batch + b) * p.heads + h) * size;
  var sum = vec2<f32>(0.0);
  for (var i = lane; i < size; i += workgroupSize) { sum.x = fma(slots[state + i], gradients[gradient + i], sum.x); }
  if (lane < terms) {
    let row = rowAt(b, low + lane);
    for (var i = head * p.headDim; i < (head + 1u) * p.headDim; i++) {
      sum.y = fma(dy[p.dy_at + row * p.dy_stride + i], x[p.x_at + row * p.x_stride + i], sum.y);
    }
  }
  each[lane] = sum;
  workgroupBarrier();
  if (lane > 0u) { return; }
  for (var i = 1u; i < workgroupSize; i++) { sum += each[i]; }
  let bits = plan[chunkDecayAt(b, c, h)];
  through[group] = select(sum.x * bitcast<f32>(bits), 0.0, bits == freshBits);
  skips[group] = sum.y;
}`,
});

// dWeight and dLogDecay of a chunk of a head: one invocation per rank. It overwrites `pairs`: row i gets the sums of
// CB[i, j] R[i, j] weight[j] over the j before each column.
export const ssdDecaysShader = defineShader({
  name: "ssdScanBackward decays",
  read: { products: "f32", plan: "u32", u: "f32", v: "f32", through: "f32" },
  write: { pairs: "f32", dLogDecay: "f32", dWeight: "f32" },
  params: { ...ssdParams, groups: "u32", firstGroup: "u32", columnTiles: "u32" },
  code: /* wgsl */ `
${planReaders}
var<workgroup> us: array<f32, 64>;
var<workgroup> vs: array<f32, 64>;
fn run(group: u32, lane: u32) {
  ${chunkOfGroup("1u")}
  let pairsAt = group * 4096u;
  let productsAt = ((b * p.chunks + c) * p.groups + g - p.firstGroup) * 4096u;
  let rank = low + lane;
  let isReal = rank < high;
  let weights = planeAt(1u, b, h) + low;
  var dw = 0.0;
  var own = vec2<f32>(0.0);
  if (isReal) {
    for (var tile = 0u; tile < p.columnTiles; tile++) {
      let at = ((b * p.heads + h) * p.columnTiles + tile) * ranks() + rank;
      own += vec2<f32>(u[at], v[at]);
    }
    dw = own.y;
    own.y *= number(weights + lane);
    for (var i = lane; i <= lastOf(b, rank) - low; i++) {
      dw = fma(products[productsAt + i * 64u + lane], pairs[pairsAt + i * 64u + lane], dw);
    }
  }
  us[lane] = own.x;
  vs[lane] = own.y;
  storageBarrier();
  workgroupBarrier();
  if (isReal) {
    var before = 0.0;
    for (var j = max(startOf(b, rank), low) - low; j <= lane; j++) {
      let at = pairsAt + lane * 64u + j;
      let term = products[productsAt + lane * 64u + j] * pairs[at] * number(weights + j);
      pairs[at] = before;
      before += term;
    }
  }
  storageBarrier();
  workgroupBarrier();
  if (rank >= end) { return; }
  let at = rowAt(b, rank) * p.dWeight_stride + head;
  if (!isReal) {
    dWeight[at] = 0.0;
    dLogDecay[at] = 0.0;
    return;
  }
  var da = through[group];
  for (var j = 0u; j < lane; j++) { da += vs[j]; }
  for (var i = lane; i < terms; i++) { da += us[i] + pairs[pairsAt + i * 64u + lane]; }
  dWeight[at] = dw;
  dLogDecay[at] = da;
}`,
});
