import { memoize } from "../memoize.ts";
import { type Plan, planFor, planKindOf, termsOf, totals } from "../products/gemv.ts";
import type { Traits } from "../device/traits.ts";
import { defineShader, type Shader } from "../shader.ts";
import { lines } from "../wgsl/lines.ts";
import { subgroupSums } from "../wgsl/sums.ts";
import { isQuantizedKind, weightElement, type WeightKind } from "../wgsl/weights.ts";
import { expertAt } from "./groupShaders.ts";

// y[i] = weight[experts[i]] · x[i / choicesPerRow] for single choices i, as `gemv` computes a product of one row: the weights of the chosen
// experts are read once per choice, all others never. The weight is a chunk of the E·O rows.
const params = {
  ...({ choices: "u32", columns: "u32", depth: "u32", expertCount: "u32" } as const),
  /** Choices of one row of x: K or 1. */
  choicesPerRow: "u32",
  /** The chunk has rows [first, first + rows) of the weight. */
  ...({ first: "u32", rows: "u32" } as const),
} as const;

type ExpertShader = Shader<"x" | "weight" | "experts", "y", keyof typeof params>;

const shaderOf = memoize((kind: WeightKind, four: boolean, planKind: Plan["kind"]): ExpertShader => {
  const plan = planFor(planKind, 1, isQuantizedKind(kind));
  const { workgroup, lanes, outputs } = plan;
  const each = (line: (o: number) => string) => lines(outputs, line);
  const all = (line: (r: number, o: number) => string) => each((o) => line(0, o));
  return defineShader({
    name: `expertLinear ${kind}, ${planKind}${four ? "" : ", unaligned"}`,
    enable: [
      ...(kind === "native f16" ? ["f16" as const] : []),
      ...(planKind === "subgroups" ? ["subgroups" as const] : []),
    ],
    read: { x: four ? "vec4<f32>" : "f32", weight: weightElement(kind, four), experts: "i32" },
    write: { y: "f32" },
    params,
    workgroup,
    code: /* wgsl */ `
${termsOf(kind, four)}
${expertAt}
const lanes = ${lanes}u;
${planKind === "memory" ? "var<workgroup> partial: array<f32, workgroupSize>;" : ""}
${planKind === "subgroups" ? subgroupSums(outputs) : ""}
fn store(choice: u32, c: u32, sum: f32) {
  let row = expertAt(choice) * p.columns + c - p.first;
  if ((c < p.columns) & (row < p.rows)) { y[choice * p.columns + c] = sum; }
}
fn run(index: u32, lane: u32) {
  let group = index / p.choices;
  let firstRow = index % p.choices;
  let output = (group * (workgroupSize / lanes) + lane / lanes) * ${outputs}u;
  let row = expertAt(firstRow) * p.columns;
  if (row >= p.first + p.rows || row + p.columns <= p.first) { return; }
  let steps = p.depth / termCount;
  let x_0 = p.x_at / ${four ? 4 : 1}u + firstRow / p.choicesPerRow * (p.x_stride / ${four ? 4 : 1}u);
  // Rows outside of the chunk read one of its rows and are not stored.
  ${each((o) => `let w${o} = weightStart(clamp(row + min(output + ${o}u, p.columns - 1u), p.first, p.first + p.rows - 1u) - p.first);`)}
  ${each((o) => `var sum0_${o} = 0.0;`)}
  for (var i = lane % lanes; i < steps; i += lanes) {
    let x0 = xTerms(x_0, i);
    ${each((o) => `sum0_${o} = plus(sum0_${o}, weightTerms(w${o}, i), x0);`)}
  }
${totals(plan, 1, all)}
}`,
  });
});

/** Returns the shader, and the number of outputs per workgroup. */
export function expertGemv(
  traits: Traits,
  kind: WeightKind,
  four: boolean,
): { readonly shader: ExpertShader; readonly outputs: number } {
  const planKind = planKindOf(traits);
  const { workgroup, lanes, outputs } = planFor(planKind, 1, isQuantizedKind(kind));
  return { shader: shaderOf(kind, four, planKind), outputs: (workgroup / lanes) * outputs };
}
