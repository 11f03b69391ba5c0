import { memoize } from "../memoize.ts";
import { quantizedReaders } from "../quantized/wgsl.ts";
import { defineShader } from "../shader.ts";
import { tileCode, tileRow, tileShaderName } from "../wgsl/tileProduct.ts";
import { isQuantizedKind, weightAt, weightElement, type WeightKind } from "../wgsl/weights.ts";

// Products of many choices, sorted by expert: see `expertOrderShader` for `order`. A workgroup computes 64 choices of one expert. The weight
// is a chunk of the E·O rows, which may begin and end within an expert.

const params = {
  ...({ choices: "u32", expertCount: "u32", inFeatures: "u32", outFeatures: "u32" } as const),
  ...({ choicesPerRow: "u32", first: "u32", rows: "u32", columnTiles: "u32" } as const),
} as const;

/** WGSL `tileOf(t)`: the expert, the first choice in `order` and the end of its choices of tile t; the expert is E past the last tile. */
const tileOf = /* wgsl */ `
fn startOf(expert: u32) -> u32 { return order[p.choices + expert]; }
fn tileOf(t: u32) -> vec3<u32> {
  var left = t;
  for (var e = 0u; e < p.expertCount; e++) {
    let count = startOf(e + 1u) - startOf(e);
    let tiles = (count + 63u) / 64u;
    if (left < tiles) { return vec3<u32>(e, startOf(e) + 64u * left, startOf(e + 1u)); }
    left -= tiles;
  }
  return vec3<u32>(p.expertCount, 0u, 0u);
}`;

const choiceTile = /* wgsl */ `
  let column = (group % p.columnTiles) * 64u;
  let found = tileOf(group / p.columnTiles);
  let expert = found.x;
  if (expert == p.expertCount) { return; }
  let count = min(64u, found.z - found.y);
  // The outputs of the expert whose rows are in the chunk.
  let from_ = clamp(p.first, expert * p.outFeatures, (expert + 1u) * p.outFeatures) - expert * p.outFeatures;
  let to = clamp(p.first + p.rows, expert * p.outFeatures, (expert + 1u) * p.outFeatures) - expert * p.outFeatures;
  if (from_ >= to) { return; }
  let weightRow_ = expert * p.outFeatures + from_ - p.first;`;

/** WGSL `element(r, i)` and, for quantised types, `four(r, i)`: elements 4i to 4i + 3 of row r. */
const readers = (kind: WeightKind): string =>
  isQuantizedKind(kind)
    ? /* wgsl */ `
${quantizedReaders(kind)}
fn element(r: u32, i: u32) -> f32 { return fourWeights(weightRow(r), i / 4u)[i % 4u]; }
fn four(r: u32, i: u32) -> vec4<f32> { return fourWeights(weightRow(r), i); }`
    : /* wgsl */ `
${weightAt(kind)}
fn element(r: u32, i: u32) -> f32 { return weightAt(p.weight_at + r * p.inFeatures + i); }`;

const enableOf = (kind: WeightKind) => (kind === "native f16" ? ["f16" as const] : []);
const choice = (at: string) => `order[found.y + min(${at}, count - 1u)]`;

// y[i, o] = weight[expert, o] · x[i / choicesPerRow], for GPUs.
export const expertTilesShader = memoize((kind: WeightKind) => {
  const tile = tileCode(true);
  const row = (at: string) => `weightRow_ + min(column + ${at}, to - from_ - 1u)`;
  return defineShader({
    name: `expertLinear ${kind}, shared tiles`,
    enable: enableOf(kind),
    read: { x: "f32", weight: weightElement(kind), order: "u32" },
    write: { y: "f32" },
    params,
    code: /* wgsl */ `
${tileOf}
${readers(kind)}
${tile.memory}
fn run(group: u32, lane: u32) {
  ${choiceTile}
  if (column >= to - from_) { return; }
  ${tile.place}
  ${tile.zeroSums("s")}
  ${tile.product({
    sums: "s",
    terms: "p.inFeatures",
    left: {
      layout: "along",
      value: (at, k) => `x[p.x_at + ${choice(at)} / p.choicesPerRow * p.x_stride + ${k}]`,
    },
    right: {
      layout: "along",
      value: (at, k) => `element(${row(at)}, ${k})`,
      four: isQuantizedKind(kind) ? (at, k) => `four(${row(at)}, ${k} / 4u)` : undefined,
    },
    rows: "count",
    columns: "to - from_ - column",
  })}
  ${tile.eachRow(
    (r) => /* wgsl */ `
  if (${tileRow(r)} < count) {
    let at = ${choice(tileRow(r))} * p.outFeatures + from_;
    ${tile.eachSum("s", r, (sum, c) => `store(at, column + ${c}, to - from_, ${sum});`)}
  }`,
  )}
}
fn store(at: u32, column: u32, columns: u32, values: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    if (column + i < columns) { y[at + column + i] = values[i]; }
  }
}`,
  });
});

// dx[i, d] = sum_o dy[i, o] weight[expert, o, d]. The sum of an expert whose rows begin in an earlier chunk continues the number in dx.
export const expertInputShader = memoize((kind: WeightKind, parallel: boolean) => {
  const tile = tileCode(parallel);
  return defineShader({
    name: tileShaderName(`expertLinearBackwardInput ${kind}`, parallel),
    enable: enableOf(kind),
    read: { x: "f32", weight: weightElement(kind), order: "u32" },
    write: { y: "f32" },
    params,
    code: /* wgsl */ `
${tileOf}
${readers(kind)}
${tile.memory}
fn run(group: u32, lane: u32) {
  ${choiceTile}
  let terms = to - from_;
  ${tile.place}
  ${tile.zeroSums("s")}
  if (from_ > 0u) {
    ${tile.eachRow(
      (r) => /* wgsl */ `
    if (${tileRow(r)} < count) {
      let at = ${choice(tileRow(r))} * p.inFeatures;
      ${tile.eachSum("s", r, (sum, c) => `${sum} = load(at, column + ${c});`)}
    }`,
    )}
  }
  ${tile.product({
    sums: "s",
    terms: "terms",
    left: { layout: "along", value: (at, k) => `x[p.x_at + ${choice(at)} * p.x_stride + from_ + ${k}]` },
    right: {
      layout: "across",
      value: (at, k) => `element(weightRow_ + ${k}, min(column + ${at}, p.inFeatures - 1u))`,
      four: isQuantizedKind(kind)
        ? (at, k) => `four(weightRow_ + ${k}, min(column + ${at}, p.inFeatures - 4u) / 4u)`
        : undefined,
    },
    rows: "count",
    columns: "p.inFeatures - column",
  })}
  ${tile.eachRow(
    (r) => /* wgsl */ `
  if (${tileRow(r)} < count) {
    let at = ${choice(tileRow(r))} * p.inFeatures;
    ${tile.eachSum("s", r, (sum, c) => `store(at, column + ${c}, ${sum});`)}
  }`,
  )}
}
fn load(at: u32, column: u32) -> vec4<f32> {
  var values = vec4<f32>(0.0);
  for (var i = 0u; i < 4u; i++) {
    if (column + i < p.inFeatures) { values[i] = y[at + column + i]; }
  }
  return values;
}
fn store(at: u32, column: u32, values: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    if (column + i < p.inFeatures) { y[at + column + i] = values[i]; }
  }
}`,
  });
});

// dWeight[e, o, d] = sum over the choices i of e of dy[i, o] x[i / choicesPerRow, d]. A workgroup computes 64 by 64 numbers of one expert; the
// chunk of dWeight has rows [first, first + rows), and `rowTiles` tiles cover the outputs of an expert.
export const expertWeightShader = memoize((parallel: boolean) => {
  const tile = tileCode(parallel);
  return defineShader({
    name: tileShaderName("expertLinearBackwardWeight", parallel),
    read: { dy: "f32", x: "f32", order: "u32" },
    write: { dWeight: "f32" },
    params: { ...params, firstExpert: "u32", rowTiles: "u32" },
    code: /* wgsl */ `
${tile.memory}
fn run(group: u32, lane: u32) {
  let column = (group % p.columnTiles) * 64u;
  let firstOutput = (group / p.columnTiles) % p.rowTiles * 64u;
  let expert = p.firstExpert + group / (p.columnTiles * p.rowTiles);
  let start_ = order[p.choices + expert];
  let terms = order[p.choices + expert + 1u] - start_;
  let outputs = min(64u, p.outFeatures - firstOutput);
  ${tile.place}
  ${tile.zeroSums("s")}
  ${tile.product({
    sums: "s",
    terms: "terms",
    left: {
      layout: "across",
      value: (at, k) =>
        `dy[p.dy_at + order[start_ + ${k}] * p.dy_stride + firstOutput + min(${at}, outputs - 1u)]`,
    },
    right: {
      layout: "across",
      value: (at, k) =>
        `x[p.x_at + order[start_ + ${k}] / p.choicesPerRow * p.x_stride + min(column + ${at}, p.inFeatures - 1u)]`,
    },
    rows: "outputs",
    columns: "p.inFeatures - column",
  })}
  ${tile.eachRow(
    (r) => /* wgsl */ `
  if (${tileRow(r)} < outputs) {
    let row = expert * p.outFeatures + firstOutput + ${tileRow(r)} - p.first;
    if (row < p.rows) {
      ${tile.eachSum("s", r, (sum, c) => `store(row, column + ${c}, ${sum});`)}
    }
  }`,
  )}
}
fn store(row: u32, column: u32, values: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    if (column + i < p.inFeatures) { dWeight[p.dWeight_at + row * p.inFeatures + column + i] = values[i]; }
  }
}`,
  });
});
