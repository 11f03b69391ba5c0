import type { QuantizedDType } from "@mamba/kernel";
import type { Traits } from "../device/traits.ts";
import { memoize } from "../memoize.ts";
import { quantizedReaders } from "../quantized/wgsl.ts";
import { defineShader } from "../shader.ts";
import { lines } from "../wgsl/lines.ts";
import { subgroupSums } from "../wgsl/sums.ts";
import { type FloatKind, isQuantizedKind, weight4, weightAt, type WeightKind } from "../wgsl/weights.ts";
import { productBuffers, type ProductShader, storeOutput } from "./wgsl.ts";

// y = x · weightᵀ + bias for few rows of x: each weight is read once for all rows. The terms of a sum and their order do not depend
// on the number of rows. More rows go in groups of eight.

/** Products of more rows are computed in tiles, unless a row must have the same bits as alone and tiles sum in another order. */
export const maxGemvRows = 8;

/**
 * How a workgroup divides its work: `lanes` invocations together compute `outputs` sums per row. On a software adapter each
 * invocation works alone, which needs no barrier. On a GPU neighbouring invocations read neighbouring weights.
 */
export interface Plan {
  /** How the sums of several invocations are combined. */
  readonly kind: "alone" | "memory" | "subgroups";
  readonly workgroup: number;
  readonly lanes: number;
  readonly outputs: number;
}

export function planFor(kind: Plan["kind"], rows: number, quantized: boolean): Plan {
  // Several outputs of a quantised weight at many rows would take long to compile.
  if (kind === "alone") return { kind, workgroup: 16, lanes: 1, outputs: quantized && rows > 2 ? 1 : 4 };
  if (kind === "memory") return { kind, workgroup: 64, lanes: 8, outputs: 1 };
  return { kind, workgroup: 64, lanes: 64, outputs: rows <= 2 ? 4 : 1 };
}

const gemvShader = memoize(
  (
    weightKind: WeightKind,
    four: boolean,
    rows: number,
    grouped: boolean,
    planKind: Plan["kind"],
  ): ProductShader => {
    const { enable, ...buffers } = productBuffers(weightKind, four);
    const plan = planFor(planKind, rows, isQuantizedKind(weightKind));
    const { workgroup, lanes, outputs } = plan;
    const all = (line: (r: number, o: number) => string) =>
      lines(outputs, (o) => lines(rows, (r) => line(r, o)));
    return defineShader({
      name: `linear ${weightKind}, ${rows} rows${grouped ? " at a time" : ""}, ${planKind}${four ? "" : ", unaligned"}`,
      enable: planKind === "subgroups" ? [...enable, "subgroups"] : enable,
      ...buffers,
      workgroup,
      code: /* wgsl */ `
${termsOf(weightKind, four)}
const lanes = ${lanes}u;
${planKind === "memory" ? `var<workgroup> partial: array<f32, ${rows}u * workgroupSize>;` : ""}
${planKind === "subgroups" ? subgroupSums(rows * outputs) : ""}
${storeOutput("forward")}
fn run(index: u32, lane: u32) {
  ${
    grouped
      ? `let group = index / p.rowTiles;
  let firstRow = (index % p.rowTiles) * ${rows}u;`
      : `let group = index;
  const firstRow = 0u;`
  }
  let output = (group * (workgroupSize / lanes) + lane / lanes) * ${outputs}u;
  let steps = p.depth / termCount;
  let xFrom = p.x_at / ${four ? 4 : 1}u;
  let xStride = p.x_stride / ${four ? 4 : 1}u;
    ${lines(outputs, (o) => `let w${o} = weightStart(min(output + ${o}u, p.columns - 1u));`)}
    // Rows past the last read it again and are not stored.
    ${lines(rows, (r) => `let x_${r} = xFrom + ${grouped ? `min(firstRow + ${r}u, p.rows - 1u)` : `${r}u`} * xStride;`)}
    ${all((r, o) => `var sum${r}_${o} = 0.0;`)}
  for (var i = lane % lanes; i < steps; i += lanes) {
    ${lines(rows, (r) => `let x${r} = xTerms(x_${r}, i);`)}
    ${lines(outputs, (o) => `let own${o} = weightTerms(w${o}, i);`)}
    ${all((r, o) => `sum${r}_${o} = plus(sum${r}_${o}, own${o}, x${r});`)}
  }
${totals(plan, rows, all)}
}`,
    });
  },
);

// WGSL of the terms that an invocation adds to a sum at a time: `weightStart(r)`, and terms i of the row of the weight that starts
// there and of the row of x that starts at an element of its buffer.

/** WGSL of the terms of a kind of weight. */
export function termsOf(kind: WeightKind, four: boolean): string {
  return isQuantizedKind(kind) ? quantizedTerms(kind, four) : floatTerms(kind, four);
}

/** Four terms at a time, or one where rows are not aligned. */
function floatTerms(kind: FloatKind, four: boolean): string {
  return /* wgsl */ `
${four ? weight4(kind) : weightAt(kind)}
alias Terms = ${four ? "vec4<f32>" : "f32"};
const termCount = ${four ? 4 : 1}u;
fn weightStart(r: u32) -> u32 { return p.weight_at / termCount + r * (p.depth / termCount); }
fn weightTerms(start: u32, i: u32) -> Terms { return ${four ? "weight4" : "weightAt"}(start + i); }
fn xTerms(start: u32, i: u32) -> Terms { return x[start + i]; }
fn plus(sum: f32, a: Terms, b: Terms) -> f32 {
  return ${four ? plusFour("a", "b", "sum") : "fma(a, b, sum)"};
}`;
}

/** Eight terms at a time. They are added one by one, so that the sum is that of tiles on a software adapter. */
function quantizedTerms(kind: QuantizedDType, four: boolean): string {
  const numbers = (from: number) => [0, 1, 2, 3].map((j) => `x[at + ${from + j}u]`).join(", ");
  return /* wgsl */ `
${quantizedReaders(kind)}
alias Terms = Eight;
const termCount = 8u;
fn weightStart(r: u32) -> u32 { return weightRow(r); }
fn weightTerms(start: u32, i: u32) -> Terms { return eightWeights(start, i); }
fn xTerms(start: u32, i: u32) -> Terms {
  ${
    four
      ? "return Eight(x[start + 2u * i], x[start + 2u * i + 1u]);"
      : `let at = start + 8u * i;
  return Eight(vec4<f32>(${numbers(0)}), vec4<f32>(${numbers(4)}));`
  }
}
fn plus(sum: f32, a: Terms, b: Terms) -> f32 {
  let half = ${plusFour("a.first", "b.first", "sum")};
  return ${plusFour("a.last", "b.last", "half")};
}`;
}

const plusFour = (a: string, b: string, sum: string): string =>
  `fma(${a}.w, ${b}.w, fma(${a}.z, ${b}.z, fma(${a}.y, ${b}.y, fma(${a}.x, ${b}.x, ${sum}))))`;

/** WGSL that combines the sums and stores them. */
export function totals(
  { kind, outputs }: Plan,
  rows: number,
  all: (line: (r: number, o: number) => string) => string,
): string {
  if (kind === "alone")
    return `    ${all((r, o) => `store(firstRow + ${r}u, output + ${o}u, sum${r}_${o});`)}`;
  if (kind === "subgroups") {
    return /* wgsl */ `
    ${all((r, o) => `putTerm(lane, ${r * outputs + o}u, sum${r}_${o});`)}
  workgroupBarrier();
  for (var k = 0u; k < ${rows * outputs}u; k++) {
    let sum = totalOf(k);
    if (lane == 0u) { store(firstRow + k / ${outputs}u, output + k % ${outputs}u, sum); }
  }`;
  }
  return /* wgsl */ `
    ${all((r) => `partial[${r}u * workgroupSize + lane] = sum${r}_0;`)}
  workgroupBarrier();
  let groupOutputs = workgroupSize / lanes;
  for (var i = lane; i < groupOutputs * ${rows}u; i += workgroupSize) {
    let from_ = (i / groupOutputs) * workgroupSize + (i % groupOutputs) * lanes;
    var sum = 0.0;
    for (var k = 0u; k < lanes; k++) { sum += partial[from_ + k]; }
    store(firstRow + i / groupOutputs, group * groupOutputs + i % groupOutputs, sum);
  }`;
}

export function planKindOf({ parallel, subgroups }: Pick<Traits, "parallel" | "subgroups">): Plan["kind"] {
  if (!parallel) return "alone";
  return subgroups ? "subgroups" : "memory";
}

/** Returns the shader for a number of rows, which computes at most `maxGemvRows` of them, and the number of outputs per workgroup. */
export function gemv(
  { parallel, subgroups }: Traits,
  kind: WeightKind,
  four: boolean,
  rows: number,
): { readonly shader: ProductShader; readonly outputs: number } {
  const planKind = planKindOf({ parallel, subgroups });
  const own = Math.min(rows, maxGemvRows);
  // The shaders of a quantised type have 1, 2, 4 or 8 rows, because they take long to compile.
  const computed = isQuantizedKind(kind) ? 2 ** Math.ceil(Math.log2(own)) : own;
  const { workgroup, lanes, outputs } = planFor(planKind, computed, isQuantizedKind(kind));
  const grouped = rows > maxGemvRows || (isQuantizedKind(kind) && rows > 1);
  return {
    shader: gemvShader(kind, four, computed, grouped, planKind),
    outputs: (workgroup / lanes) * outputs,
  };
}
