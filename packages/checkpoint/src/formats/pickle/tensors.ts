import { type SafetensorsDType, show, type TensorInfo } from "@mamba/core/safetensors";
import { elementCount, type Shape } from "@mamba/kernel";
import { CheckpointError } from "../../errors.ts";
import { describe, PickleDict, PickleTensor, type PickleValue } from "./values.ts";
import type { ZipEntry } from "./zip.ts";

/** Bytes of an element by the storage types of PyTorch. */
const elementBytes: Readonly<Partial<Record<SafetensorsDType, number>>> = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

const remedy = "save model.state_dict() alone";

/**
 * The tensors of a state dict, a dictionary of tensors by their names, and their bytes in the file. Each must be a contiguous view
 * inside of its storage.
 *
 * @param storages files of the zip by the keys of storages
 * @throws CheckpointError `PICKLE`, `SHAPE`, `OFFSETS`
 */
export function locateTensors(
  root: PickleValue,
  storages: ReadonlyMap<string, ZipEntry>,
  file: string,
): TensorInfo[] {
  if (!(root instanceof PickleDict)) {
    const message = `expected a dictionary of tensors, got ${describe(root)}; ${remedy}`;
    throw new CheckpointError("PICKLE", `${file}: ${message}`);
  }
  return [...root.entries].map(([name, value]) => {
    if (typeof name === "string" && value instanceof PickleTensor) return locate(name, value, storages, file);
    const found = `the entry ${describe(name)} is ${describe(value)}`;
    throw new CheckpointError("PICKLE", `${file}: ${found}, expected tensors by their names; ${remedy}`);
  });
}

function locate(
  name: string,
  { storage, start, shape, strides }: PickleTensor,
  storages: ReadonlyMap<string, ZipEntry>,
  file: string,
): TensorInfo {
  const where = `${file}: tensor ${show(name)}`;
  const { dtype, key, elements } = storage;
  const entry = storages.get(key);
  const width = elementBytes[dtype] ?? 0;
  if (!entry) {
    throw new CheckpointError("OFFSETS", `${where} is in the storage ${show(key)}, which the zip lacks`);
  }
  if (entry.size !== elements * width) {
    const message = `the storage ${show(key)} has ${entry.size} bytes, expected ${elements} elements of ${dtype}`;
    throw new CheckpointError("SHAPE", `${where}: ${message}`);
  }
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count) || start + count > elements) {
    const message = `has shape ${show(shape)} and begins at ${start} in a storage of ${elements} elements`;
    throw new CheckpointError("SHAPE", `${where} ${message}`);
  }
  if (count > 0 && !isContiguous(shape, strides)) {
    const message = `has shape ${show(shape)} and strides ${show(strides)}, expected a contiguous one`;
    throw new CheckpointError("SHAPE", `${where} ${message}; save tensor.contiguous()`);
  }
  return { name, dtype, shape, byteOffset: entry.offset + start * width, byteLength: count * width };
}

/** True when the elements follow each other row by row. The stride of an axis of one element says nothing. */
function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis] ?? 0;
    if (extent !== 1 && strides[axis] !== step) return false;
    step *= extent;
  }
  return true;
}
