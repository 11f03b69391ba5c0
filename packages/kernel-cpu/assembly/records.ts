// Argument records and work units.
//
// The host runs a job by its name. A job has an argument record, an `@unmanaged` class, and three functions, which
// index.ts exports:
//
//   <job>Units(args): i32                         number of independent work units of the call; 0 when there is no work
//   <job>Scratch(args): i32                       bytes of scratch memory that each thread needs; may be absent: none
//   <job>Run(args, begin, end, scratch): void     computes the units [begin, end)
//
// Units may run in any order, on any thread and in any grouping: the results are the same, bit for bit. Scratch memory is
// aligned to 64 bytes.
//
// buildWasm.mjs takes the names, offsets and types of the fields of each record from the compiler, and generates the type
// and the code with which the host writes it. For the host, the fields of a base class are together in one field, which is named
// after that class. The types below tell the host what a field holds. Strides count elements
// from one row to the next; a tensor [B, L, X] has B · L rows. Tensors without a stride are dense. Extents are at least 1
// unless their comment says that they may be 0.

/** Address of a tensor or of other memory, in bytes: 4-byte aligned, 2-byte for half-precision data. */
export type Pointer = usize;

/** Address of a tensor, 0 when it is absent. */
export type OptionalPointer = usize;

/** 0 or 1. */
export type Flag = i32;

/** Storage type of a weight: one of the constants below. */
export type StorageType = i32;

export const F32: StorageType = 0;
export const F16: StorageType = 1;
export const BF16: StorageType = 2;
/** f16 in the layout of packHalves.ts. */
export const F16_PACKED: StorageType = 3;
export const Q8_0: StorageType = 4;
export const Q4_0: StorageType = 5;
export const Q4_1: StorageType = 6;
export const Q5_0: StorageType = 7;
export const Q5_1: StorageType = 8;
export const IQ4_NL: StorageType = 9;
export const Q4_K: StorageType = 10;
export const Q5_K: StorageType = 11;
export const Q6_K: StorageType = 12;

/** True for the types in blocks: see quantized/layout.ts. */
@inline
export function isQuantized(type: StorageType): bool {
  return type >= Q8_0;
}
