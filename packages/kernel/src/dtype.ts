/** Storage types. Arithmetic and recurrent state are float32 whatever the storage. */
export type DType = "f32" | "f16" | "bf16" | "i32";

/** Storage types that hold real numbers. */
export type FloatDType = Exclude<DType, "i32">;

/** Row-major extents, outermost first. Every extent is at least 1. */
export type Shape = readonly number[];

/** Host side of a tensor: f32 as `Float32Array`, i32 as `Int32Array`, f16 and bf16 as raw bits in `Uint16Array`. */
export type HostArray = Float32Array | Uint16Array | Int32Array;

/** Bytes per element. */
export const dtypeBytes: Readonly<Record<DType, number>> = { f32: 4, f16: 2, bf16: 2, i32: 4 };

/** Product of the extents. */
export function elementCount(shape: Shape): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** An all-zero host array for `count` elements of `dtype`. */
export function hostArray(dtype: DType, count: number): HostArray {
  switch (dtype) {
    case "f32":
      return new Float32Array(count);
    case "i32":
      return new Int32Array(count);
    case "f16":
    case "bf16":
      return new Uint16Array(count);
    default:
      return dtype satisfies never;
  }
}

/** True when `data` is the array type that `dtype` travels in. */
export function isHostArrayOf(data: HostArray, dtype: DType): boolean {
  switch (dtype) {
    case "f32":
      return data instanceof Float32Array;
    case "i32":
      return data instanceof Int32Array;
    case "f16":
    case "bf16":
      return data instanceof Uint16Array;
    default:
      return dtype satisfies never;
  }
}
