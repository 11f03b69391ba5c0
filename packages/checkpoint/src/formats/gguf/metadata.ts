/** Numeric types of GGUF metadata whose values are JavaScript numbers. */
export type GgufNumberType = "u8" | "i8" | "u16" | "i16" | "u32" | "i32" | "f32" | "f64";
/** Numeric types of GGUF metadata whose values are bigints: numbers would lose digits. */
export type GgufBigType = "u64" | "i64";

/** An array of GGUF metadata, with the type of its items. GGUF has no arrays of arrays here, as in ggml. */
export type GgufArray =
  | { readonly type: "array"; readonly items: GgufNumberType; readonly value: ArrayLike<number> }
  | { readonly type: "array"; readonly items: GgufBigType; readonly value: ArrayLike<bigint> }
  | { readonly type: "array"; readonly items: "bool"; readonly value: readonly boolean[] }
  | { readonly type: "array"; readonly items: "string"; readonly value: readonly string[] };

/** A value of GGUF metadata with its stored type, so that a file that is read and written again keeps it. */
export type GgufValue =
  | { readonly type: GgufNumberType; readonly value: number }
  | { readonly type: GgufBigType; readonly value: bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | GgufArray;

/** The metadata of a GGUF file by key, in the order of the file. A Map, because `__proto__` is a key like any other. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;
