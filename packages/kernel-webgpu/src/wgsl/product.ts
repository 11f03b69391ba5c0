import type { Element } from "../shader.ts";
import { weight4, weightAt, weightElement, type WeightKind } from "./weights.ts";

/** What the shaders of `linear` have in common: four products at a time, or one where rows are not aligned. */
interface Product {
  readonly x: Element;
  readonly weight: Element;
  readonly enable: readonly "f16"[];
  /**
   * WGSL: `type Lane`, numbers that follow each other in a row; `xLane(i)` and `weightLane(i)`, the i-th lane of the buffers
   * `x` and `weight`; `lanes`, how many numbers are in one; `times(a, b)`, the sum of the products of two.
   */
  readonly code: string;
}

export function product(kind: WeightKind, four: boolean): Product {
  const code = /* wgsl */ `
alias Lane = ${four ? "vec4<f32>" : "f32"};
const lanes = ${four ? 4 : 1}u;
${four ? weight4(kind) : weightAt(kind)}
fn xLane(i: u32) -> Lane { return x[i]; }
fn weightLane(i: u32) -> Lane { return ${four ? "weight4" : "weightAt"}(i); }
fn times(a: Lane, b: Lane) -> f32 { return ${four ? "dot(a, b)" : "a * b"}; }`;
  return {
    x: four ? "vec4<f32>" : "f32",
    weight: weightElement(kind, four),
    enable: kind === "native f16" ? ["f16"] : [],
    code,
  };
}

/** Parameters of every shader of `linear`: outputs [first, first + outputs) are made of this piece of the weight. */
export const linearParams = {
  ...({ rows: "u32", inFeatures: "u32", outFeatures: "u32" } as const),
  ...({ first: "u32", outputs: "u32", tiles: "u32" } as const),
};

/** `store(r, o, sum)`: a row's sum for output o of the piece, and its bias. Past the end nothing is stored. */
export const storeOutput = /* wgsl */ `
fn store(r: u32, o: u32, sum: f32) {
  if (r >= p.rows || o >= p.outputs) { return; }
  var value = sum;
  if (p.bias_stride != 0u) { value += bias[p.first + o]; }
  y[r * p.outFeatures + p.first + o] = value;
}`;

/** Shaders by what they are made for, each made when it is first asked for. */
export function lazily<A extends readonly (number | boolean | string)[], T>(
  make: (...args: A) => T,
): (...args: A) => T {
  const made = new Map<string, T>();
  return (...args) => {
    const key = args.join();
    let value = made.get(key);
    if (value === undefined) made.set(key, (value = make(...args)));
    return value;
  };
}
