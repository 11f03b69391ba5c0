import { type FloatDType, fromFloat32, type HostArray, toFloat32 } from "@mamba/kernel";

/** The values in some bytes of a file, as a view. Little-endian, as all engines are. */
export function viewValues({ buffer, byteOffset, byteLength }: Uint8Array, dtype: FloatDType): HostArray {
  return dtype === "f32"
    ? new Float32Array(buffer, byteOffset, byteLength / Float32Array.BYTES_PER_ELEMENT)
    : new Uint16Array(buffer, byteOffset, byteLength / Uint16Array.BYTES_PER_ELEMENT);
}

/** The bytes of some values, as a view. */
export function viewBytes({ buffer, byteOffset, byteLength }: HostArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Values in another storage type, multiplied in f32; the same array when nothing changes. */
export function convertValues(
  values: HostArray,
  from: FloatDType,
  to: FloatDType,
  factor: number,
): HostArray {
  if (factor === 1) return from === to ? values : fromFloat32(toFloat32(values, from), to);
  return fromFloat32(
    toFloat32(values, from).map((value) => value * factor),
    to,
  );
}
