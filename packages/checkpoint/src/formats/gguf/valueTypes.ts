import type { GgufBigType, GgufNumberType } from "./metadata.ts";

/** Types of the metadata's values but for arrays. */
export type ScalarType = GgufNumberType | GgufBigType | "bool" | "string";

/** The types of values by their ids in a file. */
export const valueTypes: readonly (ScalarType | "array")[] = [
  "u8",
  "i8",
  "u16",
  "i16",
  "u32",
  "i32",
  "f32",
  "bool",
  "string",
  "array",
  "u64",
  "i64",
  "f64",
];
