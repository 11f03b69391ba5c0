import { memoize } from "../memoize.ts";
import { defineShader } from "../shader.ts";
import { heldTerms, tileCode, tileRow } from "../wgsl/tileProduct.ts";
import { attentionParams, attentionPlaces, seesWithIds } from "./wgsl.ts";

// With p[i, j] = exp(scale q[i] · k[j] - logSums[i]) and ds[i, j] = p[i, j] (dy[i] · v[j] - dots[i]), dots[i] = dy[i] · y[i]:
//   dq[i] = scale sum_j ds[i, j] k[j]     dk[j] = scale sum_i ds[i, j] q[i]     dv[j] = sum_i p[i, j] dy[i]
// over the keys j that position i sees. Sums of dk and dv go over the query rows of a key head in order, so that no two invocations
// add to one number.

const read = { q: "f32", k: "f32", v: "f32", ids: "i32", dy: "f32", logSums: "f32", dots: "f32" } as const;

// dots: one invocation per query head of a position.
export const attentionDotsShader = defineShader({
  name: "attentionBackward dots",
  read: { dy: "f32", y: "f32" },
  write: { dots: "f32" },
  params: { count: "u32", heads: "u32", valueDim: "u32" },
  code: /* wgsl */ `
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let atDy = p.dy_at + i / p.heads * p.dy_stride + i % p.heads * p.valueDim;
  let atY = p.y_at + i / p.heads * p.y_stride + i % p.heads * p.valueDim;
  var sum = 0.0;
  for (var d = 0u; d < p.valueDim; d++) { sum = fma(dy[atDy + d], y[atY + d], sum); }
  dots[i] = sum;
}`,
});

const places = /* wgsl */ `
${attentionPlaces}
${seesWithIds}
fn dyAt(b: u32, g: u32, row: u32) -> u32 {
  let place = queryPlace(b, g, row);
  return p.dy_at + place.x * p.dy_stride + place.y * p.valueDim;
}
fn sumAt(b: u32, g: u32, row: u32) -> u32 {
  let place = queryPlace(b, g, row);
  return place.x * p.kvHeads * p.rep + place.y;
}`;

// For software adapters: one invocation per query row for dq, or per key for dk and dv.
const pair = /* wgsl */ `
// (p, ds) of a query row and a key.
fn pairOf(b: u32, g: u32, row: u32, j: u32) -> vec2<f32> {
  let queryAt = qAt(b, g, row);
  let keyAt = kAt(b, g, j);
  var score = 0.0;
  for (var d = 0u; d < p.keyDim; d++) { score = fma(q[queryAt + d], k[keyAt + d], score); }
  let gradientAt = dyAt(b, g, row);
  let valueAt = vAt(b, g, j);
  var dp = 0.0;
  for (var d = 0u; d < p.valueDim; d++) { dp = fma(dy[gradientAt + d], v[valueAt + d], dp); }
  let at = sumAt(b, g, row);
  let part = decay(score * p.scale - logSums[at]);
  return vec2<f32>(part, part * (dp - dots[at]) * p.scale);
}`;

export const attentionQueryRowsShader = defineShader({
  name: "attentionBackward q",
  read,
  write: { dq: "f32" },
  params: { ...attentionParams, count: "u32" },
  code: /* wgsl */ `
${places}
${pair}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let rows = p.length * p.rep;
  let row = i % rows;
  let g = (i / rows) % p.kvHeads;
  let b = i / (rows * p.kvHeads);
  let to = sumAt(b, g, row) * p.keyDim;
  for (var d = 0u; d < p.keyDim; d++) { dq[to + d] = 0.0; }
  let l = row / p.rep;
  for (var j = 0u; j <= l; j++) {
    if (!sees(b, l, j)) { continue; }
    let ds = pairOf(b, g, row, j).y;
    let keyAt = kAt(b, g, j);
    for (var d = 0u; d < p.keyDim; d++) { dq[to + d] = fma(ds, k[keyAt + d], dq[to + d]); }
  }
}`,
});

// `gradients` has the numbers of dk, then those of dv: eight buffers are the limit.
export const attentionKeyRowsShader = defineShader({
  name: "attentionBackward k and v",
  read,
  write: { gradients: "f32" },
  params: { ...attentionParams, count: "u32" },
  code: /* wgsl */ `
${places}
${pair}
fn run(group: u32, lane: u32) {
  let i = group * workgroupSize + lane;
  if (i >= p.count) { return; }
  let g = i % p.kvHeads;
  let j = (i / p.kvHeads) % p.length;
  let b = i / (p.kvHeads * p.length);
  let toK = i * p.keyDim;
  let toV = p.count * p.keyDim + i * p.valueDim;
  for (var d = 0u; d < p.keyDim; d++) { gradients[toK + d] = 0.0; }
  for (var d = 0u; d < p.valueDim; d++) { gradients[toV + d] = 0.0; }
  for (var row = j * p.rep; row < p.length * p.rep; row++) {
    if (!sees(b, row / p.rep, j)) { continue; }
    let both = pairOf(b, g, row, j);
    let queryAt = qAt(b, g, row);
    for (var d = 0u; d < p.keyDim; d++) { gradients[toK + d] = fma(both.y, q[queryAt + d], gradients[toK + d]); }
    let gradientAt = dyAt(b, g, row);
    for (var d = 0u; d < p.valueDim; d++) { gradients[toV + d] = fma(both.x, dy[gradientAt + d], gradients[toV + d]); }
  }
}`,
});

const tile = tileCode(true);

// For GPUs: one workgroup per 64 rows and 64 columns of a gradient. Rows are query rows for dq and keys for dk and dv; it goes over tiles
// of 64 of the others.
export const attentionGradientShader = memoize((of: "q" | "k" | "v") => {
  const ofQueries = of === "q";
  const queries = { count: "p.length * p.rep", q: "qAt", dy: "dyAt" };
  const [rowCount, otherCount] = ofQueries ? [queries.count, "p.length"] : ["p.length", queries.count];
  const width = of === "v" ? "p.valueDim" : "p.keyDim";
  const row = (at: string) => `(firstRow + min(${at}, rows - 1u))`;
  const other = (at: string) => `(firstOther + min(${at}, others - 1u))`;
  const [query, key] = ofQueries ? [row, other] : [other, row];
  const element = (name: string, place: (at: string) => string) => (at: string, d: string) =>
    `${name}[${name}At(b, g, ${place(at)}) + ${d}]`;
  const along = (value: (at: string, d: string) => string) => ({ layout: "along" as const, value });
  const pairs = (sums: string, terms: string, queryName: string, keyName: string) => {
    const [ofQuery, ofKey] = [along(element(queryName, query)), along(element(keyName, key))];
    const [left, right] = ofQueries ? [ofQuery, ofKey] : [ofKey, ofQuery];
    return tile.product({ sums, terms, left, right, rows: "rows", columns: "others" });
  };
  const otherName = { q: "k", k: "q", v: "dy" }[of];
  const clear = (sums: string) =>
    tile.eachRow((r) => tile.eachSum(sums, r, (sum) => `${sum} = vec4<f32>(0.0);`));
  return defineShader({
    name: `attentionBackward ${of}, shared tiles`,
    read,
    write: { gradient: "f32" },
    params: { ...attentionParams, rowTiles: "u32", columnTiles: "u32" },
    code: /* wgsl */ `
${places}
${heldTerms}
${tile.memory}
fn run(group: u32, lane: u32) {
  let column = (group % p.columnTiles) * 64u;
  let firstRow = (group / p.columnTiles) % p.rowTiles * 64u;
  let g = (group / (p.columnTiles * p.rowTiles)) % p.kvHeads;
  let b = group / (p.columnTiles * p.rowTiles * p.kvHeads);
  let rows = min(64u, ${rowCount} - firstRow);
  ${tile.place}
  ${tile.zeroSums("o")}
  ${tile.zeroSums("s")}
  ${of === "v" ? "" : tile.zeroSums("t")}
  let end = ${ofQueries ? "(firstRow + rows - 1u) / p.rep + 1u" : otherCount};
  for (var firstOther = ${ofQueries ? "0u" : "firstRow * p.rep / 64u * 64u"}; firstOther < end; firstOther += 64u) {
    let others = min(64u, end - firstOther);
    ${clear("s")}
    ${pairs("s", "p.keyDim", "q", "k")}
    ${of === "v" ? "" : `${clear("t")}\n    ${pairs("t", "p.valueDim", "dy", "v")}`}
    ${tile.eachRow((r) =>
      tile.eachSum(
        "s",
        r,
        (sum, at) => /* wgsl */ `
    for (var i = 0u; i < 4u; i++) {
      var part = noTerm;
      let row = firstRow + ${tileRow(r)};
      let other = firstOther + ${at} + i;
      if (${tileRow(r)} < rows && other < end && sees(b, ${ofQueries ? "row / p.rep, other" : "other / p.rep, row"})) {
        let at = sumAt(b, g, ${ofQueries ? "row" : "other"});
        part = decay(${sum}[i] * p.scale - logSums[at])${of === "v" ? "" : ` * (${sum.replace(/^s/, "t")}[i] - dots[at]) * p.scale`};
      }
      ${sum}[i] = part;
    }`,
      ),
    )}
    ${tile.product({
      sums: "o",
      terms: "others",
      left: { held: "s" },
      right: {
        layout: "across",
        value: (at, k) =>
          `${otherName}[${otherName}At(b, g, firstOther + ${k}) + min(column + ${at}, ${width} - 1u)]`,
      },
      rows: "rows",
      columns: `${width} - column`,
    })}
  }
  ${tile.eachRow(
    (r) => /* wgsl */ `
  if (${tileRow(r)} < rows) {
    let row = firstRow + ${tileRow(r)};
    let at = ${ofQueries ? "sumAt(b, g, row)" : "((b * p.length + row) * p.kvHeads + g)"} * ${width};
    ${tile.eachSum("o", r, (sum, c) => `store(at, column + ${c}, ${sum});`)}
  }`,
  )}
}
fn store(at: u32, column: u32, values: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) {
    if (column + i < ${width}) { gradient[at + column + i] = values[i]; }
  }
}`,
  });
});
