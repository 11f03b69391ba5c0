import { TensorResidual } from "../ops/residual.ts";
import type { Tensor } from "../tensor.ts";

/** The part of `TensorOwner` that recognises its own tensors. */
interface Owner {
  own(op: string, name: string, tensor: Tensor): Tensor;
}

/**
 * Checks that every tensor in an argument of an op belongs to `owner`. It runs in every call, so it allocates nothing.
 *
 * @param nested true for a value inside of an argument
 * @throws KernelError `FOREIGN_TENSOR`, naming the argument by its path: `slots[2].grad`
 */
export function checkOwned(owner: Owner, op: string, name: string, value: unknown, nested = false): void {
  if (typeof value !== "object" || value === null) return;
  if (isTensor(value)) owner.own(op, name, value);
  else if (value instanceof TensorResidual) owner.own(op, name, (value as TensorResidual).saved);
  else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (typeof item === "object") checkOwned(owner, op, `${name}[${i}]`, item, true);
    }
  } else if (!ArrayBuffer.isView(value)) {
    const record = value as Readonly<Record<string, unknown>>;
    // The one record argument of an op is named by its fields alone: `initialState`, not `args.initialState`.
    const prefix = nested ? `${name}.` : "";
    for (const field in record) {
      const item = record[field];
      if (typeof item === "object") checkOwned(owner, op, prefix + field, item, true);
    }
  }
}

function isTensor(value: object): value is Tensor {
  return "rowStride" in value;
}
