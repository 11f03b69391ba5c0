import type { FloatDType } from "@mamba/kernel";
import type { Element } from "../shader.ts";
import { weight4, weightAt, weightElement } from "./weights.ts";

/** What the shaders of `linear` have in common: sums over four products at a time, or one where rows are not aligned. */
export interface Product {
  readonly x: Element;
  readonly weight: Element;
  /**
   * WGSL: `type Lane`, a partial sum; `xLane(i)` and `weightLane(i)`, the i-th lane of the buffers `x` and `weight`;
   * `lanes`, how many numbers are in one; `total(sum)`, a partial sum as a number.
   */
  readonly code: string;
}

export function product(dtype: FloatDType, four: boolean): Product {
  const x: Element = four ? "vec4<f32>" : "f32";
  const code = /* wgsl */ `
alias Lane = ${four ? "vec4<f32>" : "f32"};
const lanes = ${four ? 4 : 1}u;
${four ? weight4(dtype) : weightAt(dtype)}
fn xLane(i: u32) -> Lane { return x[i]; }
fn weightLane(i: u32) -> Lane { return ${four ? "weight4" : "weightAt"}(i); }
fn total(sum: Lane) -> f32 { return ${four ? "(sum.x + sum.y) + (sum.z + sum.w)" : "sum"}; }`;
  return { x, weight: weightElement(dtype, four), code };
}

/** Shaders by what they are made for, each made when it is first asked for. */
export function lazily<A extends readonly (number | boolean)[], T>(
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
