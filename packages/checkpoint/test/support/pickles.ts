import type { TensorToWrite } from "@mamba/core/safetensors";

// Files as torch.save writes them, made by hand: so that tests can make them wrong in any way.

const encoder = new TextEncoder();

/** Numbers as little-endian fields of 2, 4 or 8 bytes. */
function fields(...values: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Uint8Array {
  return concat(
    values.map(([bytes, value]) => {
      const field = new Uint8Array(8);
      new DataView(field.buffer).setBigUint64(0, BigInt(value), true);
      return field.subarray(0, bytes);
    }),
  );
}

export function concat(chunks: readonly (Uint8Array | string | readonly number[])[]): Uint8Array {
  const parts = chunks.map((chunk) =>
    typeof chunk === "string" ? encoder.encode(chunk) : Uint8Array.from(chunk),
  );
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A file of a zip, and fields of its headers in place of the right ones. */
export interface ZipFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly localName?: string;
  readonly localSize?: number;
  readonly size?: number;
  readonly stored?: number;
  readonly offset?: number;
}

/** Fields of the record at the end of a zip in place of the right ones. */
export interface ZipEnd {
  readonly count?: number;
  readonly total?: number;
  readonly size?: number;
  readonly offset?: number;
  readonly comment?: string;
  readonly disk?: number;
}

/** A zip of stored files. */
export function zip(files: readonly ZipFile[], end: ZipEnd = {}): Uint8Array {
  const chunks: Uint8Array[] = [];
  let at = 0;
  const add = (...parts: Parameters<typeof concat>[0]) => {
    const chunk = concat(parts);
    chunks.push(chunk);
    at += chunk.length;
  };
  const offsets = files.map(({ name, bytes, method = 0, flags = 0, localName = name, localSize }) => {
    const offset = at;
    const size = localSize ?? bytes.length;
    add("PK\x03\x04", fields([2, 20], [2, flags], [2, method], [4, 0], [4, 0], [4, size], [4, size]));
    add(fields([2, encoder.encode(localName).length], [2, 0]), localName, bytes);
    return offset;
  });
  const start = at;
  files.forEach((file, i) => {
    const { name, bytes, method = 0, flags = 0, size = bytes.length, stored = size } = file;
    add(
      "PK\x01\x02",
      fields([2, 20], [2, 20], [2, flags], [2, method], [4, 0], [4, 0], [4, stored], [4, size]),
    );
    add(fields([2, encoder.encode(name).length], [2, 0], [2, 0], [2, 0], [2, 0], [4, 0]));
    add(fields([4, file.offset ?? offsets[i] ?? 0]), name);
  });
  const { count = files.length, total = count, size = at - start, offset = start } = end;
  const { comment = "", disk = 0 } = end;
  add("PK\x05\x06", fields([2, disk], [2, disk], [2, count], [2, total], [4, size], [4, offset]));
  add(fields([2, comment.length]), comment);
  return concat(chunks);
}

/** A text as an opcode: BINUNICODE. */
export function text(value: string): Uint8Array {
  const bytes = encoder.encode(value);
  return concat(["X", fields([4, bytes.length]), bytes]);
}

/** A number as an opcode: LONG1. */
export function number(value: number): Uint8Array {
  return concat([[0x8a, 8], fields([8, value])]);
}

export function tuple(...items: readonly (Uint8Array | string)[]): Uint8Array {
  return concat(["(", ...items, "t"]);
}

/** A class or function as an opcode: GLOBAL. */
export function global(module: string, name: string): Uint8Array {
  return concat(["c", module, "\n", name, "\n"]);
}

export const none = "N";
const newFalse = Uint8Array.of(0x89);

/** Fields of a pickled tensor. */
export interface PickledTensor {
  readonly key?: string;
  readonly type?: string;
  readonly elements?: number;
  readonly start?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
  readonly hooks?: Uint8Array | string;
}

/** A tensor as opcodes: by default one of two f32 numbers in the storage "0". */
export function tensor({
  key = "0",
  type = "FloatStorage",
  shape = [2],
  elements = shape.reduce((product, extent) => product * extent, 1),
  start = 0,
  strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, extent) => product * extent, 1)),
  hooks = none,
}: PickledTensor = {}): Uint8Array {
  const storage = tuple(text("storage"), global("torch", type), text(key), text("cpu"), number(elements));
  const [sizes, steps] = [shape, strides].map((list) => tuple(...list.map((extent) => number(extent))));
  const args = tuple(concat([storage, "Q"]), number(start), sizes ?? "", steps ?? "", newFalse, hooks);
  return concat([global("torch._utils", "_rebuild_tensor_v2"), args, "R"]);
}

/** A dictionary as opcodes, of values that are opcodes. */
export function dict(entries: readonly (readonly [key: string, value: Uint8Array | string])[]): Uint8Array {
  return concat(["}(", ...entries.flatMap(([key, value]) => [text(key), value]), "u"]);
}

/** A pickle of a value that is given as opcodes. */
export function pickle(...opcodes: readonly (Uint8Array | string)[]): Uint8Array {
  return concat([[0x80, 2], ...opcodes, "."]);
}

/** A file with this pickle, the storages by their keys, and other files. */
export function torchFile(
  data: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = { "0": new Uint8Array(8) },
  others: Readonly<Record<string, Uint8Array>> = {},
): ZipFile[] {
  return [
    { name: "archive/data.pkl", bytes: data },
    ...Object.entries(others).map(([name, bytes]) => ({ name: `archive/${name}`, bytes })),
    ...Object.entries(storages).map(([key, bytes]) => ({ name: `archive/data/${key}`, bytes })),
  ];
}

const storageTypes: Readonly<Record<string, string>> = {
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  I32: "IntStorage",
};

/** A pytorch_model.bin of some tensors. */
export async function torchModel(tensors: readonly TensorToWrite[]): Promise<Uint8Array> {
  const storages: Record<string, Uint8Array> = {};
  const entries: [string, Uint8Array][] = [];
  for (const [i, each] of tensors.entries()) {
    const { name, dtype, shape } = each;
    storages[`s${i}`] = await each.bytes();
    entries.push([name, tensor({ key: `s${i}`, type: storageTypes[dtype] ?? dtype, shape })]);
  }
  return zip(torchFile(pickle(dict(entries)), storages));
}
