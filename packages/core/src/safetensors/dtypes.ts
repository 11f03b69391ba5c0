import { elementCount, type FloatDType, type Shape } from "@mamba/kernel";

/** Element sizes in bytes of the format's storage types that fill whole bytes. */
const elementBytes = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  F8_E8M0: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
  C64: 8,
} as const;

/** Storage types by the names that safetensors files use. */
export type SafetensorsDType = keyof typeof elementBytes;

export const safetensorsDTypes = Object.keys(elementBytes) as SafetensorsDType[];

export function isSafetensorsDType(name: unknown): name is SafetensorsDType {
  return typeof name === "string" && Object.hasOwn(elementBytes, name);
}

/** Tensors begin at multiples of this many bytes. */
export function alignmentOf(dtype: SafetensorsDType): number {
  return elementBytes[dtype];
}

/** Bytes of a tensor. Not a safe integer when the shape is beyond any file. */
export function tensorBytes(dtype: SafetensorsDType, shape: Shape): number {
  return elementCount(shape) * elementBytes[dtype];
}

const fileTypes = { f32: "F32", f16: "F16", bf16: "BF16", i32: "I32" } as const satisfies Record<
  FloatDType | "i32",
  SafetensorsDType
>;

/** The storage type of a kernel by the name that safetensors files use: "f16" -> "F16". */
export function toSafetensorsDType(dtype: FloatDType | "i32"): SafetensorsDType {
  return fileTypes[dtype];
}

/** The storage type of a file by the name that kernels use; undefined when kernels have no such type. */
export function toKernelDType(dtype: SafetensorsDType): FloatDType | "i32" | undefined {
  return (Object.keys(fileTypes) as (keyof typeof fileTypes)[]).find((name) => fileTypes[name] === dtype);
}
