import type { SafetensorsDType } from "@mamba/core/safetensors";
import { CheckpointError } from "../../errors.ts";
import {
  describe,
  PickleDict,
  PickleGlobal,
  PickleStorage,
  PickleTensor,
  PickleTuple,
  type PickleValue,
} from "./values.ts";

/** PyTorch's classes of storages, and the type of their elements. */
const storages: Readonly<Record<string, SafetensorsDType>> = {
  "torch FloatStorage": "F32",
  "torch HalfStorage": "F16",
  "torch BFloat16Storage": "BF16",
  "torch DoubleStorage": "F64",
  "torch LongStorage": "I64",
  "torch IntStorage": "I32",
  "torch ShortStorage": "I16",
  "torch CharStorage": "I8",
  "torch ByteStorage": "U8",
  "torch BoolStorage": "BOOL",
};

type Call = (args: readonly PickleValue[], where: string) => PickleValue;

/** The functions that a pickle may call. Each makes data that describe the result; nothing of Python is run. */
const calls: Readonly<Record<string, Call>> = {
  "collections OrderedDict": orderedDict,
  "torch._utils _rebuild_tensor_v2": rebuildTensor,
  "torch._utils _rebuild_parameter": rebuildParameter,
};

/** The most axes of a tensor. */
const maxRank = 8;

/** @throws CheckpointError `PICKLE` for a name that is not one of the allowed ones */
export function allowedGlobal(module: string, name: string, where: string): PickleGlobal {
  const full = `${module} ${name}`;
  if (Object.hasOwn(calls, full) || Object.hasOwn(storages, full)) return new PickleGlobal(full);
  const asked = JSON.stringify(`${module}.${name}`.slice(0, 120));
  throw new CheckpointError(
    "PICKLE",
    `${where}: asks for ${asked}; only tensors and dictionaries of them are read, so save model.state_dict() alone`,
  );
}

/** The result of a call that a pickle asks for. @throws CheckpointError `PICKLE` */
export function call(callee: PickleValue, args: PickleValue, where: string): PickleValue {
  const run =
    callee instanceof PickleGlobal && Object.hasOwn(calls, callee.name) ? calls[callee.name] : undefined;
  if (!run || !(args instanceof PickleTuple)) {
    throw malformed(where, `calls ${describe(callee)} with ${describe(args)}`);
  }
  return run(args.items, where);
}

/** The storage that a persistent id names: `("storage", class, key, device, elements)`. @throws CheckpointError `PICKLE` */
export function persistentStorage(id: PickleValue, where: string): PickleStorage {
  const [kind, type, key, device, elements] =
    id instanceof PickleTuple && id.items.length === 5 ? id.items : [];
  const dtype =
    type instanceof PickleGlobal && Object.hasOwn(storages, type.name) ? storages[type.name] : undefined;
  if (
    kind !== "storage" ||
    dtype === undefined ||
    typeof key !== "string" ||
    typeof device !== "string" ||
    !isCount(elements)
  ) {
    throw malformed(where, `has a reference that names no storage (${describe(type)}, ${describe(key)})`);
  }
  return new PickleStorage(dtype, key, elements);
}

function orderedDict(args: readonly PickleValue[], where: string): PickleValue {
  if (args.length > 0) throw malformed(where, "calls OrderedDict with arguments");
  return new PickleDict();
}

/** `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks[, metadata])` */
function rebuildTensor(args: readonly PickleValue[], where: string): PickleValue {
  const [storage, start, sizes, strides, , hooks, metadata = null] = args;
  const shape = countsOf(sizes);
  const steps = countsOf(strides);
  const isPlain = isEmpty(hooks) && isEmpty(metadata);
  if (
    args.length < 6 ||
    args.length > 7 ||
    !(storage instanceof PickleStorage) ||
    !isCount(start) ||
    !shape ||
    !steps
  ) {
    throw malformed(where, `has a tensor of ${describe(storage)} with shape ${describe(sizes)}`);
  }
  if (!isPlain) throw malformed(where, "has a tensor with hooks or metadata");
  if (steps.length !== shape.length || shape.length > maxRank) {
    throw malformed(where, `has a tensor with ${shape.length} extents and ${steps.length} strides`);
  }
  return new PickleTensor(storage, start, shape, steps);
}

/** `_rebuild_parameter(tensor, requires_grad, hooks)` */
function rebuildParameter([tensor, , hooks, ...more]: readonly PickleValue[], where: string): PickleValue {
  if (tensor instanceof PickleTensor && isEmpty(hooks) && more.length === 0) return tensor;
  throw malformed(where, `has a parameter of ${describe(tensor)}`);
}

function countsOf(value: PickleValue | undefined): number[] | undefined {
  const items = value instanceof PickleTuple ? value.items : undefined;
  return items?.every(isCount) ? [...items] : undefined;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isEmpty(value: PickleValue | undefined): boolean {
  return value === null || (value instanceof PickleDict && value.entries.size === 0);
}

function malformed(where: string, problem: string): CheckpointError {
  return new CheckpointError("PICKLE", `${where}: ${problem}`);
}
