import type { Traits } from "../traits.ts";
import { defineShader } from "../shader.ts";
import { lazily, lines, productBuffers, type ProductShader, storeOutput } from "../wgsl/product.ts";
import { subgroupSums } from "../wgsl/total.ts";
import { weight4, weightAt, type WeightKind } from "../wgsl/weights.ts";

// y = x · weightᵀ + bias for few rows of x, each weight read once for all rows.

/** More rows go to the tiles. */
export const gemvRows = 8;

/**
 * Who adds up what: `sharers` invocations of a workgroup make the sums of `each` outputs together. On a software adapter each
 * goes alone, which takes no barrier; on a GPU neighbours read what lies next to each other.
 */
interface Plan {
  readonly kind: "alone" | "memory" | "subgroups";
  readonly workgroup: number;
  readonly sharers: number;
  readonly each: number;
}

function planFor(kind: Plan["kind"], rows: number): Plan {
  if (kind === "alone") return { kind, workgroup: 16, sharers: 1, each: 4 };
  if (kind === "memory") return { kind, workgroup: 64, sharers: 8, each: 1 };
  return { kind, workgroup: 64, sharers: 64, each: rows <= 2 ? 4 : 1 };
}

const build = (
  weightKind: WeightKind,
  four: boolean,
  rows: number,
  planKind: Plan["kind"],
): ProductShader => {
  const { enable, ...buffers } = productBuffers(weightKind, four);
  const plan = planFor(planKind, rows);
  const { workgroup, sharers, each } = plan;
  const all = (line: (r: number, o: number) => string) => lines(each, (o) => lines(rows, (r) => line(r, o)));
  return defineShader({
    name: `linear ${weightKind}, ${rows} rows, ${planKind}${four ? "" : ", unaligned"}`,
    enable: planKind === "subgroups" ? [...enable, "subgroups"] : enable,
    ...buffers,
    workgroup,
    code: /* wgsl */ `
${four ? weight4(weightKind) : weightAt(weightKind)}
// Four terms of a sum at a time, or one where rows are not aligned.
alias Lane = ${four ? "vec4<f32>" : "f32"};
const lanes = ${four ? 4 : 1}u;
fn weightLane(i: u32) -> Lane { return ${four ? "weight4" : "weightAt"}(i); }
fn times(a: Lane, b: Lane) -> f32 { return ${four ? "dot(a, b)" : "a * b"}; }
const sharers = ${sharers}u;
${planKind === "memory" ? `var<workgroup> partial: array<f32, ${rows}u * workgroupSize>;` : ""}
${planKind === "subgroups" ? subgroupSums(rows * each) : ""}
${storeOutput("forward")}
fn run(group: u32, lane: u32) {
  let output = (group * (workgroupSize / sharers) + lane / sharers) * ${each}u;
  let steps = p.depth / lanes;
  let xFrom = p.x_at / lanes;
  let xStride = p.x_stride / lanes;
    ${lines(each, (o) => `let w${o} = p.weight_at / lanes + min(output + ${o}u, p.columns - 1u) * steps;`)}
    ${all((r, o) => `var sum${r}_${o} = 0.0;`)}
  for (var i = lane % sharers; i < steps; i += sharers) {
    ${lines(rows, (r) => `let x${r} = x[xFrom + ${r}u * xStride + i];`)}
    ${lines(each, (o) => `let own${o} = weightLane(w${o} + i);`)}
    ${all((r, o) => `sum${r}_${o} += times(own${o}, x${r});`)}
  }
${totals(plan, rows, all)}
}`,
  });
};

/** WGSL that brings the sums together and stores them. */
function totals(
  { kind, each }: Plan,
  rows: number,
  all: (line: (r: number, o: number) => string) => string,
): string {
  if (kind === "alone") return `    ${all((r, o) => `store(${r}u, output + ${o}u, sum${r}_${o});`)}`;
  if (kind === "subgroups") {
    return /* wgsl */ `
    ${all((r, o) => `leave(lane, ${r * each + o}u, sum${r}_${o});`)}
  workgroupBarrier();
  for (var k = 0u; k < ${rows * each}u; k++) {
    let sum = taken(k);
    if (lane == 0u) { store(k / ${each}u, output + k % ${each}u, sum); }
  }`;
  }
  return /* wgsl */ `
    ${all((r) => `partial[${r}u * workgroupSize + lane] = sum${r}_0;`)}
  workgroupBarrier();
  let outputs = workgroupSize / sharers;
  for (var i = lane; i < outputs * ${rows}u; i += workgroupSize) {
    let from_ = (i / outputs) * workgroupSize + (i % outputs) * sharers;
    var sum = 0.0;
    for (var k = 0u; k < sharers; k++) { sum += partial[from_ + k]; }
    store(i / outputs, group * outputs + i % outputs, sum);
  }`;
}

const shaders = lazily(build);

/** The shader for so many rows, and how many outputs a workgroup makes. */
export function gemv(
  { parallel, subgroups }: Traits,
  kind: WeightKind,
  four: boolean,
  rows: number,
): { readonly shader: ProductShader; readonly outputs: number } {
  const planKind = parallel ? (subgroups ? "subgroups" : "memory") : "alone";
  const { workgroup, sharers, each } = planFor(planKind, rows);
  return { shader: shaders(kind, four, rows, planKind), outputs: (workgroup / sharers) * each };
}
