import type { SafetensorsDType } from "@mamba/core/safetensors";
import { type DType, formats } from "@mamba/kernel";
import type { GgmlType } from "./gguf/ggmlTypes.ts";

/** The type of a tensor by the name that its file has for it: "F16", "Q4_K". Equal names are equal types in all formats. */
export type StoredDType = SafetensorsDType | GgmlType;

/** The storage type of kernels by a file's name of it: "Q4_K" -> "q4_k"; undefined when kernels have no such type. */
export function storageType(dtype: StoredDType): DType | undefined {
  const name = dtype.toLowerCase();
  return Object.hasOwn(formats, name) ? (name as DType) : undefined;
}
