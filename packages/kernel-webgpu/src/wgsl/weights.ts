import type { FloatDType } from "@mamba/kernel";
import type { Element } from "../shader.ts";

// Weights in any storage type, read as f32. 16-bit types come two to a word; the arithmetic is f32 whatever the storage.

/** The element type to bind a weight as, one or four numbers at a time. */
export function weightElement(dtype: FloatDType, four = false): Element {
  if (dtype === "f32") return four ? "vec4<f32>" : "f32";
  return four ? "vec2<u32>" : "u32";
}

const pair = {
  f16: "unpack2x16float(word)",
  bf16: "vec2<f32>(bitcast<f32>(word << 16u), bitcast<f32>(word & 0xffff0000u))",
} as const;

/** `weightAt(i)`: element i of the buffer `weight`. */
export function weightAt(dtype: FloatDType): string {
  if (dtype === "f32") return "fn weightAt(i: u32) -> f32 { return weight[i]; }";
  return /* wgsl */ `
fn weightAt(i: u32) -> f32 {
  let word = weight[i / 2u];
  let both = ${pair[dtype]};
  return select(both.x, both.y, (i & 1u) == 1u);
}`;
}

/** `weight4(i)`: elements 4i to 4i + 3 of the buffer `weight`, bound four at a time. */
export function weight4(dtype: FloatDType): string {
  if (dtype === "f32") return "fn weight4(i: u32) -> vec4<f32> { return weight[i]; }";
  return /* wgsl */ `
fn twoWeights(word: u32) -> vec2<f32> { return ${pair[dtype]}; }
fn weight4(i: u32) -> vec4<f32> {
  let words = weight[i];
  return vec4<f32>(twoWeights(words.x), twoWeights(words.y));
}`;
}
