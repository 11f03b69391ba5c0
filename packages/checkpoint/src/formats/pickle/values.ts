import type { SafetensorsDType } from "@mamba/core/safetensors";
import type { Shape } from "@mamba/kernel";

// The values that a pickle of tensors holds. None of them is an object of the program: they are data that name what the
// pickle asks for.

/** A dictionary or an `OrderedDict`. */
export class PickleDict {
  readonly entries = new Map<string | number, PickleValue>();
}

/** A list. */
export class PickleList {
  readonly items: PickleValue[] = [];
}

/** A tuple. */
export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

/** A class or function of Python by its name, one of those that are allowed. */
export class PickleGlobal {
  /** Module and name, as "torch FloatStorage". */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** The numbers of one or more tensors: a file of the zip. */
export class PickleStorage {
  readonly dtype: SafetensorsDType;
  /** Name of its file under `data/`. */
  readonly key: string;
  readonly elements: number;

  constructor(dtype: SafetensorsDType, key: string, elements: number) {
    this.dtype = dtype;
    this.key = key;
    this.elements = elements;
  }
}

/** A view of a storage. */
export class PickleTensor {
  readonly storage: PickleStorage;
  /** Index of its first element in the storage. */
  readonly start: number;
  readonly shape: Shape;
  /** Elements from one index of an axis to the next, as many as extents. */
  readonly strides: readonly number[];

  constructor(storage: PickleStorage, start: number, shape: Shape, strides: readonly number[]) {
    this.storage = storage;
    this.start = start;
    this.shape = shape;
    this.strides = strides;
  }
}

export type PickleValue =
  | null
  | boolean
  | number
  | string
  | PickleDict
  | PickleList
  | PickleTuple
  | PickleGlobal
  | PickleStorage
  | PickleTensor;

/** A value for messages: its kind, or itself when it is small. */
export function describe(value: PickleValue | undefined): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (value instanceof PickleDict) return "a dictionary";
  if (value instanceof PickleList) return "a list";
  if (value instanceof PickleTuple) return "a tuple";
  if (value instanceof PickleGlobal) return value.name.replace(" ", ".");
  if (value instanceof PickleStorage) return "a storage";
  if (value instanceof PickleTensor) return "a tensor";
  return String(value);
}
