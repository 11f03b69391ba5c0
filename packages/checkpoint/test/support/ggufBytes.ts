// Builds GGUF files byte by byte, without the writer of the package, so that reader and writer are not only tested against each other.

const text = new TextEncoder();

export const u8 = (value: number): number[] => [value & 255];
export const u16 = (value: number): number[] => [value & 255, (value >> 8) & 255];
export const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
export const u64 = (value: bigint | number): number[] => {
  const whole = BigInt.asUintN(64, BigInt(value));
  return [...u32(Number(whole & 0xffffffffn)), ...u32(Number(whole >> 32n))];
};
export const f32 = (value: number): number[] => [...new Uint8Array(Float32Array.of(value).buffer)];
export const f64 = (value: number): number[] => [...new Uint8Array(Float64Array.of(value).buffer)];
export const string = (value: string): number[] => {
  const bytes = [...text.encode(value)];
  return [...u64(bytes.length), ...bytes];
};

/** An entry of the metadata: key, id of the value's type, and the value's bytes. */
export const entry = (key: string, type: number, value: readonly number[]): number[] => [
  ...string(key),
  ...u32(type),
  ...value,
];

/** An entry of the list of tensors. Extents are in the order of the file: fastest first. */
export const tensor = (
  name: string,
  extents: readonly (number | bigint)[],
  type: number,
  offset: number | bigint,
): number[] => [
  ...string(name),
  ...u32(extents.length),
  ...extents.flatMap((extent) => u64(extent)),
  ...u32(type),
  ...u64(offset),
];

export interface RawGguf {
  readonly magic?: string;
  readonly version?: number;
  readonly entries?: readonly (readonly number[])[];
  readonly tensors?: readonly (readonly number[])[];
  readonly tensorCount?: number | bigint;
  readonly entryCount?: number | bigint;
  readonly alignment?: number;
  readonly data?: Uint8Array;
}

/** A file of these parts. Counts are those of the lists unless they are given. */
export function rawGguf({
  magic = "GGUF",
  version = 3,
  entries = [],
  tensors = [],
  tensorCount = tensors.length,
  entryCount = entries.length,
  alignment = 32,
  data = new Uint8Array(0),
}: RawGguf): Uint8Array {
  const head = [
    ...text.encode(magic),
    ...u32(version),
    ...u64(tensorCount),
    ...u64(entryCount),
    ...entries.flat(),
    ...tensors.flat(),
  ];
  const start = data.length === 0 ? head.length : Math.ceil(head.length / alignment) * alignment;
  const file = new Uint8Array(start + data.length);
  file.set(head);
  file.set(data, start);
  return file;
}
