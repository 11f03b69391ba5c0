import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { elementCount, isQuantized, lastExtent, Scope, type Tensor, toFloat32 } from "@mamba/kernel";
import { configData } from "../model/config.ts";
import type { MambaLM } from "../model/mambaLM.ts";

/**
 * A hash that tells models apart: of the config with those of its modules, the attached adapter's config, and of each parameter in the order of names its
 * name, shape, and first, middle and last row in f32. A model has the same fingerprint on every backend, also where a backend
 * stores the same values in another type. It reads a few rows, so its time does not grow with the model.
 *
 * @returns 64 hexadecimal digits
 */
export async function modelFingerprint(model: MambaLM): Promise<string> {
  const { kernel, adapter } = model;
  const { rank, alpha, rankStabilized, targets } = adapter?.config ?? {};
  const hash = sha256.create();
  const add = (value: unknown) => hash.update(new TextEncoder().encode(JSON.stringify(value)));
  add(Object.entries(configData(model.config)).sort(byName));
  add({ rank, alpha, rankStabilized, targets });
  const parameters = [...model.parameters, ...(adapter?.parameters ?? [])].sort(byName);
  using scope = new Scope();
  const rows = parameters.map(([, parameter]) => {
    // The matrices of experts, [E, O, I], are E · O rows.
    const tensor =
      parameter.shape.length > 2 ? scope.use(kernel.reshape(parameter, asMatrix(parameter))) : parameter;
    const chosen = rowsOf(tensor);
    if (!isQuantized(tensor.dtype)) return scope.use(kernel.gatherRows(tensor, chosen));
    const ids = scope.use(kernel.upload(Int32Array.from(chosen), [chosen.length], "i32"));
    return scope.use(kernel.embedding(ids, tensor));
  });
  const data = await kernel.read(...rows);
  for (const [i, [name, { dtype, shape }]] of parameters.entries()) {
    add([name, shape]);
    const values = data[i] ?? new Float32Array();
    const floats = dtype === "i32" || isQuantized(dtype) ? values : toFloat32(values, dtype);
    // Backends may differ in the sign of a zero that a block holds.
    const { buffer, byteOffset, byteLength } = floats.map((value) => value + 0);
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return bytesToHex(hash.digest());
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function asMatrix({ shape }: Tensor): readonly [rows: number, columns: number] {
  const columns = lastExtent(shape);
  return [elementCount(shape) / columns, columns];
}

/** First, middle and last row of the first axis. */
function rowsOf({ shape: [count = 1] }: Tensor): readonly number[] {
  return [0, Math.floor(count / 2), count - 1];
}
