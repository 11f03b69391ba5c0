import type { GgufValue } from "../../formats/gguf/metadata.ts";

// Values of metadata in the types that llama.cpp reads.

export const u32 = (value: number): GgufValue => ({ type: "u32", value });
export const f32 = (value: number): GgufValue => ({ type: "f32", value });
export const bool = (value: boolean): GgufValue => ({ type: "bool", value });

/** One number for each layer. */
export const perLayer = (values: readonly number[]): GgufValue => ({
  type: "array",
  items: "i32",
  value: Int32Array.from(values),
});
