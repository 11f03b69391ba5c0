import { ScanResidual } from "../ops/scanResidual.ts";
import type { Tensor } from "../tensor.ts";

/** The part of `TensorOwner` that tells whose a tensor is. */
interface Owner {
  own(op: string, name: string, tensor: Tensor): Tensor;
}

/**
 * Returns an argument of an op with every tensor in it checked to belong to `owner`; records and lists are copied.
 *
 * @throws KernelError `FOREIGN_TENSOR`, naming the argument by its path: `slots[2].grad`
 */
export function ownArgument(owner: Owner, op: string, name: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (isTensor(value)) return owner.own(op, name, value);
  if (value instanceof ScanResidual) {
    owner.own(op, name, (value as ScanResidual).states);
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown, i) =>
      typeof item === "object" ? ownArgument(owner, op, `${name}[${i}]`, item) : item,
    );
  }
  const record: Record<string, unknown> = {};
  for (const [field, item] of Object.entries(value)) {
    // The one record argument of an op is named by its fields alone: `initialState`, not `args.initialState`.
    const path = name.endsWith("]") ? `${name}.${field}` : field;
    record[field] = typeof item === "object" ? ownArgument(owner, op, path, item) : item;
  }
  return record;
}

function isTensor(value: object): value is Tensor {
  return "rowStride" in value;
}
