import { defineShader } from "../shader.ts";
import { decay, isNan, logarithm } from "../wgsl/math.ts";
import { heldTerms, tileCode, tileRow } from "../wgsl/tileProduct.ts";
import { attentionParams, attentionPlaces } from "./wgsl.ts";

// y[i] = sum_j softmax_j(scale q[i] · k[j]) v[j] with a running maximum m and sum l of the exponentials:
//   m' = max(m, s)     l' = l exp(m - m') + exp(s - m')     y' = y exp(m - m') + exp(s - m') v
// `logSums` [B, L, Hq] gets m + log(l). Keys that a position does not see are not added, not even with a factor of 0.

const read = { q: "f32", k: "f32", v: "f32", ids: "i32", lengths: "i32" } as const;

const before = /* wgsl */ `
// Not -infinity: the difference of two of them would be NaN.
const lowest = -0x1.fffffep+127f;
fn before(b: u32) -> u32 {
  if (p.lengths_stride == 0u) { return 0u; }
  return u32(clamp(lengths[p.lengths_at + b], 0, i32(p.capacity - p.length)));
}
fn sees(b: u32, i: u32, j: u32) -> bool {
  if (p.ids_stride == 0u) { return j <= before(b) + i; }
  return j <= i && idAt(b, i) >= 0 && idAt(b, i) == idAt(b, j);
}`;

// For software adapters: one invocation per query row, which goes over the keys one by one.
export const attentionRowsShader = defineShader({
  name: "attention",
  read,
  write: { y: "f32", logSums: "f32" },
  params: { ...attentionParams, count: "u32" },
  code: /* wgsl */ `
${attentionPlaces}
${logarithm}
${before}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let rows = p.length * p.rep;
  let row = i % rows;
  let g = (i / rows) % p.kvHeads;
  let b = i / (rows * p.kvHeads);
  let place = queryPlace(b, g, row);
  let from_ = qAt(b, g, row);
  let to = (place.x * p.kvHeads * p.rep + place.y) * p.valueDim;
  for (var d = 0u; d < p.valueDim; d++) { y[to + d] = 0.0; }
  let l = row / p.rep;
  var largest = lowest;
  var sum = 0.0;
  let isPadding = idAt(b, l) < 0;
  if (!isPadding) {
    for (var j = 0u; j <= before(b) + l; j++) {
      if (!sees(b, l, j)) { continue; }
      let keyAt = kAt(b, g, j);
      var score = 0.0;
      for (var d = 0u; d < p.keyDim; d++) { score = fma(q[from_ + d], k[keyAt + d], score); }
      score *= p.scale;
      var keep = 1.0;
      if (score > largest) {
        keep = decay(largest - score);
        largest = score;
      }
      let part = decay(score - largest);
      sum = fma(sum, keep, part);
      let valueAt = vAt(b, g, j);
      for (var d = 0u; d < p.valueDim; d++) { y[to + d] = fma(y[to + d], keep, part * v[valueAt + d]); }
    }
    for (var d = 0u; d < p.valueDim; d++) { y[to + d] /= sum; }
  }
  if (p.logSums_stride != 0u) { logSums[place.x * p.kvHeads * p.rep + place.y] = select(largest + logarithm(sum), 0.0, isPadding); }
}`,
});

const tile = tileCode(true);

// For GPUs: one workgroup per 64 query rows of a key head and 64 columns of their values, which goes over tiles of 64 keys. With
// splits, it goes over the keys of one of them, `parts` gets its y, m and l, and the next shader combines them.
export const attentionTilesShader = defineShader({
  name: "attention, shared tiles",
  read,
  write: { y: "f32", logSums: "f32" },
  params: { ...attentionParams, rowTiles: "u32", valueTiles: "u32", splits: "u32", splitKeys: "u32" },
  code: /* wgsl */ `
${attentionPlaces}
${logarithm}
${before}
${heldTerms}
${tile.memory}
var<workgroup> exchange: array<f32, 512>;
fn run(group: u32, lane: u32) {
  let column = (group % p.valueTiles) * 64u;
  let split = (group / p.valueTiles) % p.splits;
  let firstRow = (group / (p.valueTiles * p.splits)) % p.rowTiles * 64u;
  let g = (group / (p.valueTiles * p.splits * p.rowTiles)) % p.kvHeads;
  let b = group / (p.valueTiles * p.splits * p.rowTiles * p.kvHeads);
  let rows = min(64u, p.length * p.rep - firstRow);
  let first = before(b);
  let end = min(first + (firstRow + rows - 1u) / p.rep + 1u, (split + 1u) * p.splitKeys);
  ${tile.place}
  ${tile.zeroSums("o")}
  ${tile.zeroSums("s")}
  var largest: array<f32, 8>;
  var sums: array<f32, 8>;
  ${tile.eachRow((r) => `largest[${r}] = lowest;`)}
  for (var key = split * p.splitKeys; key < end; key += 64u) {
    let keys = min(64u, end - key);
    ${tile.eachRow((r) => tile.eachSum("s", r, (sum) => `${sum} = vec4<f32>(0.0);`))}
    ${tile.product({
      sums: "s",
      terms: "p.keyDim",
      left: { layout: "along", value: (at, d) => `q[qAt(b, g, firstRow + min(${at}, rows - 1u)) + ${d}]` },
      right: { layout: "along", value: (at, d) => `k[kAt(b, g, key + min(${at}, keys - 1u)) + ${d}]` },
      rows: "rows",
      columns: "keys",
    })}
    ${tile.eachRow(
      (r) => /* wgsl */ `
    {
      var own = lowest;
      ${tile.eachSum("s", r, (sum, at) => `own = max(own, seenMax(b, (firstRow + ${tileRow(r)}) / p.rep, ${tileRow(r)} < rows, key + ${at}, end, ${sum}));`)}
      exchange[${tileRow(r)} * 8u + lane % 8u] = own;
    }`,
    )}
    workgroupBarrier();
    ${tile.eachRow(
      (r) => /* wgsl */ `
    {
      var next = largest[${r}];
      for (var i = 0u; i < 8u; i++) { next = max(next, exchange[${tileRow(r)} * 8u + i]); }
      let keep = decay(largest[${r}] - next);
      largest[${r}] = next;
      sums[${r}] *= keep;
      ${tile.eachSum("o", r, (sum) => `${sum} *= keep;`)}
      ${tile.eachSum(
        "s",
        r,
        (sum, at) => /* wgsl */ `
      {
        let seen = seenKeys(b, (firstRow + ${tileRow(r)}) / p.rep, ${tileRow(r)} < rows, key + ${at}, end);
        let scaled = ${sum} * p.scale;
        for (var i = 0u; i < 4u; i++) {
          var part = noTerm;
          if (seen[i]) { part = decay(scaled[i] - next); sums[${r}] += part; }
          ${sum}[i] = part;
        }
      }`,
      )}
    }`,
    )}
    ${tile.product({
      sums: "o",
      terms: "keys",
      left: { held: "s" },
      right: {
        layout: "across",
        value: (at, j) => `v[vAt(b, g, key + ${j}) + min(column + ${at}, p.valueDim - 1u)]`,
      },
      rows: "rows",
      columns: "p.valueDim - column",
    })}
  }
  ${tile.eachRow((r) => `exchange[${tileRow(r)} * 8u + lane % 8u] = sums[${r}];`)}
  workgroupBarrier();
  let heads = p.kvHeads * p.rep;
  ${tile.eachRow(
    (r) => /* wgsl */ `
  if (${tileRow(r)} < rows) {
    var sum = 0.0;
    for (var i = 0u; i < 8u; i++) { sum += exchange[${tileRow(r)} * 8u + i]; }
    let place = queryPlace(b, g, firstRow + ${tileRow(r)});
    let at = place.x * heads + place.y;
    let isPadding = idAt(b, (firstRow + ${tileRow(r)}) / p.rep) < 0;
    if (p.splits == 1u) {
      let inverse = select(sum, 1.0, isPadding);
      ${tile.eachSum("o", r, (sum, c) => `store(at * p.valueDim, column + ${c}, ${sum} / inverse);`)}
      if (p.logSums_stride != 0u && column == 0u && ownColumn == 0u) {
        logSums[at] = select(largest[${r}] + logarithm(sum), 0.0, isPadding);
      }
    } else {
      let part = split * p.batch * p.length * heads + at;
      ${tile.eachSum("o", r, (sum, c) => `store(part * p.valueDim, column + ${c}, ${sum});`)}
      if (column == 0u && ownColumn == 0u) {
        logSums[2u * part] = largest[${r}];
        logSums[2u * part + 1u] = sum;
      }
    }
  }`,
  )}
}
fn store(at: u32, column: u32, values: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    if (column + i < p.valueDim) { y[at + column + i] = values[i]; }
  }
}
fn seenKeys(b: u32, l: u32, isRow: bool, key: u32, end: u32) -> vec4<bool> {
  var seen = vec4<bool>(false);
  if (!isRow) { return seen; }
  for (var i = 0u; i < 4u; i++) {
    if (key + i < end) { seen[i] = sees(b, l, key + i); }
  }
  return seen;
}
fn seenMax(b: u32, l: u32, isRow: bool, key: u32, end: u32, scores: vec4<f32>) -> f32 {
  let seen = seenKeys(b, l, isRow, key, end);
  var most = lowest;
  for (var i = 0u; i < 4u; i++) {
    let score = scores[i] * p.scale;
    if (seen[i] && score > most) { most = score; }
  }
  return most;
}`,
});

// Combines the splits of a row in order: one invocation per number of y. A split without keys has l = 0.
export const attentionSplitsShader = defineShader({
  name: "attention splits",
  read: { parts: "f32", sums: "f32" },
  write: { y: "f32" },
  params: { count: "u32", valueDim: "u32", splits: "u32" },
  code: /* wgsl */ `
${isNan}
${decay}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let rows = p.count / p.valueDim;
  let row = i / p.valueDim;
  var largest = sums[2u * row];
  for (var s = 1u; s < p.splits; s++) { largest = max(largest, sums[2u * (s * rows + row)]); }
  var sum = 0.0;
  var value = 0.0;
  for (var s = 0u; s < p.splits; s++) {
    let at = s * rows + row;
    if (sums[2u * at + 1u] == 0.0) { continue; }
    let keep = decay(sums[2u * at] - largest);
    sum = fma(sums[2u * at + 1u], keep, sum);
    value = fma(parts[at * p.valueDim + i % p.valueDim], keep, value);
  }
  y[i] = value / sum;
}`,
});
