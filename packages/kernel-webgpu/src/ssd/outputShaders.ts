import { memoize } from "../memoize.ts";
import { defineShader } from "../shader.ts";
import { tileCode, tileRow, tileShaderName } from "../wgsl/tileProduct.ts";
import { chunkOfGroup, decayBetween, planReaders, ssdParams } from "./wgsl.ts";

// products [B, chunks, groups, 64, 64]: CB[i, j] = C[i] · B[j] for all ranks of a chunk. One workgroup per chunk of a group.
export const ssdProductsShader = memoize((parallel: boolean) => {
  const tile = tileCode(parallel);
  return defineShader({
    name: tileShaderName("ssdScan products", parallel),
    read: { B: "f32", C: "f32", plan: "u32" },
    write: { products: "f32" },
    params: { ...ssdParams, groups: "u32", firstGroup: "u32" },
    code: /* wgsl */ `
${planReaders}
${tile.memory}
fn run(group: u32, lane: u32) {
  let g = p.firstGroup + group % p.groups;
  let low = (group / p.groups) % p.chunks * 64u;
  let b = group / (p.groups * p.chunks);
  let count = clamp(realCount(b), low, low + 64u) - low;
  ${tile.place}
  ${tile.zeroSums("s")}
  ${tile.product({
    sums: "s",
    terms: "p.stateSize",
    left: {
      layout: "along",
      value: (i, n) => `C[p.C_at + rowAt(b, low + ${i}) * p.C_stride + g * p.stateSize + ${n}]`,
    },
    right: {
      layout: "along",
      value: (j, n) => `B[p.B_at + rowAt(b, low + ${j}) * p.B_stride + g * p.stateSize + ${n}]`,
    },
    rows: "count",
    columns: "count",
  })}
  ${tile.eachRow((r) => tile.eachSum("s", r, (sum, at) => `store(group * 4096u + ${tileRow(r)} * 64u + ${at}, ${sum});`))}
}
fn store(at: u32, sums: vec4<f32>) {
  for (var i = 0u; i < 4u; i++) { products[at + i] = sums[i]; }
}`,
  });
});

// The result of a chunk, with S the state before it:
//   y[i, p] = decay from the start to i * sum_n C[i, n] S[p, n] + sum_{j <= i} CB[i, j] decayBetween(i, j) weight[j] x[j, p] + D x[i, p]
// over the ranks j of the sequence of i. Backwards, with x = dy, C = B, and S the gradient of the state after the chunk, it is dx:
//   dx[j, p] = weight[j] * decay from j to the end * sum_n B[j, n] S[p, n] + sum_{i >= j} CB[i, j] decayBetween(i, j) weight[j] dy[i, p]
//     + D dy[j, p]
// One workgroup per 64 columns of a head.
export const ssdOutputShader = memoize((backwards: boolean, parallel: boolean) => {
  const tile = tileCode(parallel);
  const factor = backwards
    ? "number(planeAt(5u, b, h) + rank) * number(planeAt(1u, b, h) + rank)"
    : "number(planeAt(4u, b, h) + rank)";
  const sees = backwards ? "startOf(b, high - 1u) <= rank" : "seesStart(b, rank, low)";
  const range = (rank: string) =>
    backwards
      ? `vec2<u32>(${rank} - low, lastOf(b, ${rank}) - low)`
      : `vec2<u32>(max(startOf(b, ${rank}), low) - low, ${rank} - low)`;
  const [i, j] = backwards ? ["other", "at"] : ["at", "other"];
  return defineShader({
    name: tileShaderName(backwards ? "ssdScanBackward inputs" : "ssdScan outputs", parallel),
    read: { x: "f32", C: "f32", slots: "f32", products: "f32", plan: "u32", D: "f32" },
    write: { y: "f32" },
    params: { ...ssdParams, groups: "u32", firstGroup: "u32", columnTiles: "u32", initial: "u32" },
    code: /* wgsl */ `
${planReaders}
${decayBetween(parallel)}
${tile.memory}
// The terms of a rank, both included; none past the real ranks.
fn termsOf(b: u32, rank: u32, low: u32, high: u32) -> vec2<u32> {
  if (rank >= high) { return vec2<u32>(1u, 0u); }
  return ${range("rank")};
}
fn coefficient(at: u32, other: u32, productsAt: u32) -> f32 {
  return products[productsAt + ${i} * 64u + ${j}] * decayBetween(${i}, ${j}) * ownWeight(${j});
}
fn run(group: u32, lane: u32) {
  ${chunkOfGroup("p.columnTiles")}
  let column = (group % p.columnTiles) * 64u;
  ${tile.place}
  loadOwn(lane, b, h, low);
  ${tile.zeroSums("s")}
  let slot = ${backwards ? "p.chunks - 1u - c" : "c"};
  let slotAt = p.slots_at + ((slot * p.batch + b) * p.heads + h) * p.headDim * p.stateSize;
  // A state that is known to be 0 is not multiplied: an infinity times 0 would be NaN.
  let isZero = slot == 0u && p.initial == 0u;
  if (!isZero) {
  ${tile.product({
    sums: "s",
    terms: "p.stateSize",
    left: {
      layout: "along",
      value: (at, n) => `C[p.C_at + rowAt(b, low + ${at}) * p.C_stride + g * p.stateSize + ${n}]`,
    },
    right: {
      layout: "along",
      value: (at, n) => `slots[slotAt + min(column + ${at}, p.headDim - 1u) * p.stateSize + ${n}]`,
    },
    rows: "terms",
    columns: "p.headDim - column",
  })}
  }
  ${tile.eachRow(
    (r) => /* wgsl */ `
  {
    let rank = low + ${tileRow(r)};
    if (rank < high && ${sees}) {
      let factor = ${factor};
      ${tile.eachSum("s", r, (sum) => `${sum} *= factor;`)}
    } else {
      ${tile.eachSum("s", r, (sum) => `${sum} = vec4<f32>(0.0);`)}
    }
  }`,
  )}
  let g_ = g - p.firstGroup;
  let productsAt = ((b * p.chunks + c) * p.groups + g_) * 4096u;
  ${tile.product({
    sums: "s",
    terms: "terms",
    left: {
      layout: backwards ? "across" : "along",
      value: (at, other) => `coefficient(${at}, ${other}, productsAt)`,
    },
    right: {
      layout: "across",
      value: (at, other) =>
        `x[p.x_at + rowAt(b, low + ${other}) * p.x_stride + head * p.headDim + min(column + ${at}, p.headDim - 1u)]`,
    },
    rows: "terms",
    columns: "p.headDim - column",
    range: (at) => `termsOf(b, low + ${at}, low, high)`,
  })}
  ${tile.eachRow((r) => tile.eachSum("s", r, (sum, at) => `store(b, head, low + ${tileRow(r)}, high, end, column + ${at}, ${sum});`))}
}
fn store(b: u32, head: u32, rank: u32, high: u32, end: u32, column: u32, sums: vec4<f32>) {
  if (rank >= end) { return; }
  let row = rowAt(b, rank);
  for (var i = 0u; i < 4u; i++) {
    if (column + i >= p.headDim) { return; }
    let d = head * p.headDim + column + i;
    var value = 0.0;
    if (rank < high) {
      value = sums[i];
      if (p.D_stride != 0u) { value += D[p.D_at + head] * x[p.x_at + row * p.x_stride + d]; }
    }
    y[row * p.y_stride + d] = value;
  }
}`,
  });
});
