import type { FloatDType, QuantizedDType, WeightDType } from "@mamba/kernel";
import type { Traits } from "../device/traits.ts";
import { layouts } from "../quantized/layouts.ts";
import type { Element } from "../shader.ts";

// WGSL that reads weights of a float type as f32; quantized/wgsl.ts has it for quantised types. 16-bit types are bound as words of
// two elements, or f16 directly if the device has `shader-f16`.

/** A float type of a weight, and for f16 whether shaders read it directly. */
export type FloatKind = FloatDType | "native f16";

/** The storage type of a weight. */
export type WeightKind = FloatKind | QuantizedDType;

/** The kind of a storage type on a device. */
export function weightKindOf(dtype: WeightDType, { f16 }: Pick<Traits, "f16">): WeightKind {
  return dtype === "f16" && f16 ? "native f16" : dtype;
}

/** True for a kind that is stored as planes of words. */
export function isQuantizedKind(kind: WeightKind): kind is QuantizedDType {
  return kind in layouts;
}

/** The WGSL element type to bind a weight with, one or four numbers per element. */
export function weightElement(kind: WeightKind, four = false): Element {
  if (kind === "f32") return four ? "vec4<f32>" : "f32";
  if (kind === "native f16") return four ? "vec4<f16>" : "f16";
  if (isQuantizedKind(kind)) return "u32";
  return four ? "vec2<u32>" : "u32";
}

const pair = {
  f16: "unpack2x16float(word)",
  bf16: "vec2<f32>(bitcast<f32>(word << 16u), bitcast<f32>(word & 0xffff0000u))",
} as const;

/** `weightAt(i)`: element i of the buffer `weight`. */
export function weightAt(kind: FloatKind): string {
  if (kind === "f32" || kind === "native f16") return "fn weightAt(i: u32) -> f32 { return f32(weight[i]); }";
  return /* wgsl */ `
fn weightAt(i: u32) -> f32 {
  let word = weight[i / 2u];
  let both = ${pair[kind]};
  return select(both.x, both.y, (i & 1u) == 1u);
}`;
}

/** `weight4(i)`: elements 4i to 4i + 3 of the buffer `weight`, bound with four numbers per element. */
export function weight4(kind: FloatKind): string {
  if (kind === "f32" || kind === "native f16") {
    return "fn weight4(i: u32) -> vec4<f32> { return vec4<f32>(weight[i]); }";
  }
  return /* wgsl */ `
fn twoWeights(word: u32) -> vec2<f32> { return ${pair[kind]}; }
fn weight4(i: u32) -> vec4<f32> {
  let words = weight[i];
  return vec4<f32>(twoWeights(words.x), twoWeights(words.y));
}`;
}
