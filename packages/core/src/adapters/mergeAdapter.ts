import {
  fromFloat32,
  type HostArray,
  isQuantized,
  type Kernel,
  lastExtent,
  Scope,
  type Tensor,
  toFloat32,
  type WeightDType,
} from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { parameter } from "../parameters/spec.ts";
import { type LoraAdapter, moduleName } from "./lora.ts";

/** Options of `mergeAdapter`. */
export interface MergeOptions {
  /**
   * True to quantise the sums again where the model's weights are quantised. The sum loses what its type loses of any weight: with
   * 4 bits that is often more than a small update changes. Default false: such a merge is refused.
   */
  readonly requantize?: boolean | undefined;
}

/**
 * Folds an adapter into the weights of a model, in place: `W + scale · B · A`, summed in f32 and then rounded once to the
 * type that the weight is stored in (nearest, ties to even; quantised types by `quantize`). An adapter that is attached to the model is detached. The
 * adapter cannot be merged into this model or attached to it again, which would add it twice.
 *
 * @throws MambaError `PARAMETER` when `checkMergeable` refuses (nothing is changed then), or when a sum is not finite in the weight's
 * type, or needs a scale that its blocks cannot hold: the model is then partly merged and must be loaded again. `UNSUPPORTED` when a weight to change is quantised and
 * `requantize` is not true; nothing is changed then.
 */
export async function mergeAdapter(
  model: Model<object>,
  adapter: LoraAdapter,
  { requantize = false }: MergeOptions = {},
): Promise<void> {
  checkMergeable(model, adapter);
  if (!requantize) checkNotQuantized(model, adapter);
  model.markMerged(adapter);
  for (const [name, { weight }] of model.linears) {
    if (adapter.updateOf(moduleName(name)) === undefined) continue;
    const sum = await mergedWeight(model, name, adapter);
    model.kernel.write(weight, 0, await rounded(name, sum, weight));
  }
  if (model.adapter === adapter) model.detach();
}

/** @throws MambaError `UNSUPPORTED` when the adapter changes a quantised weight */
function checkNotQuantized(model: Model<object>, adapter: LoraAdapter): void {
  for (const [name, { weight }] of model.linears) {
    if (!isQuantized(weight.dtype) || adapter.updateOf(moduleName(name)) === undefined) continue;
    const problem = `${name} is stored as ${weight.dtype}, whose rounding may be larger than the update`;
    const remedy = "keep the adapter attached, merge into a float model, or ask for it with requantize";
    throw new MambaError("UNSUPPORTED", `${problem}; ${remedy}`);
  }
}

/** A sum in the storage type of the weight that it replaces. @throws MambaError `PARAMETER` when that type cannot hold it */
async function rounded(name: string, sum: Float32Array, { dtype, shape }: Tensor): Promise<HostArray> {
  const type = dtype as WeightDType;
  const values = isQuantized(type) ? sum : toFloat32(fromFloat32(sum, type), type);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    const reason = `element ${bad} would be ${sum[bad] ?? NaN}`;
    throw new MambaError("PARAMETER", `${name} cannot be merged and stay ${type}: ${reason}`);
  }
  if (!isQuantized(type)) return fromFloat32(sum, type);
  const { quantize } = await import("@mamba/kernel/quantize");
  try {
    return quantize(sum, type, lastExtent(shape));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MambaError("PARAMETER", `${name} cannot be merged and stay ${type}: ${reason}`, { cause });
  }
}

/** Stored values in f32. The conversions of quantised types are loaded where a model has them. */
async function widened(stored: HostArray, dtype: WeightDType): Promise<Float32Array> {
  if (!isQuantized(dtype)) return toFloat32(stored, dtype);
  const { dequantize } = await import("@mamba/kernel/quantize");
  return dequantize(stored as Uint8Array, dtype);
}

/**
 * Checks that an adapter can be merged into a model.
 *
 * @throws MambaError `PARAMETER` when the adapter is for a model of another shape, is already merged into this one, or adapts
 * the table or the head of a model in which both are one tensor: an update of one would change the other
 */
export function checkMergeable(model: Model<object>, adapter: LoraAdapter): void {
  model.checkAdapter(adapter);
  const uses = [...model.linears.values()].map(({ weight }) => weight);
  for (const [name, { weight }] of model.linears) {
    const isShared = uses.indexOf(weight) !== uses.lastIndexOf(weight);
    if (!isShared || adapter.updateOf(moduleName(name)) === undefined) continue;
    const problem = `the adapter changes ${moduleName(name)}, which the model's head and table share`;
    throw new MambaError("PARAMETER", `${problem}: it can be attached but not merged`);
  }
}

/**
 * A parameter as it would be with an adapter merged into it, in f32; the model stays as it is.
 *
 * @param name of the parameter, such as `backbone.layers.0.mixer.in_proj.weight`
 * @returns `W + scale · B · A`, or `W` where the adapter has no update for it
 * @throws MambaError `PARAMETER` when the model has no such parameter
 */
export async function mergedWeight(
  { kernel, parameters }: Pick<Model<object>, "kernel" | "parameters">,
  name: string,
  adapter: LoraAdapter,
): Promise<Float32Array> {
  const weight = parameter(parameters, name);
  const dtype = weight.dtype as WeightDType;
  const update = adapter.updateOf(moduleName(name));
  if (update === undefined) {
    const [stored] = (await kernel.read(weight)) as [HostArray];
    return widened(stored, dtype);
  }
  const { A, B, scale } = update;
  using product = adapter.isEmbedding(moduleName(name)) ? kernel.linear(A, B) : await productOf(kernel, A, B);
  const [stored, delta] = (await kernel.read(weight, product)) as [HostArray, Float32Array];
  return (await widened(stored, dtype)).map((value, i) => value + scale * (delta[i] ?? NaN));
}

/** `B · A` [O, I], or [E, O, I] for the matrices of experts. The table of an embedding is transposed already: there it is `A · Bᵀ` [V, D]. */
async function productOf(kernel: Kernel, A: Tensor, B: Tensor): Promise<Tensor> {
  const [rank = 0, columns = 0] = A.shape.slice(-2);
  const [rows = 0] = B.shape.slice(-2);
  const [a] = (await kernel.read(A)) as [Float32Array];
  const matrix = rank * columns;
  const count = a.length / matrix;
  using scope = new Scope();
  const sum = scope.use(kernel.zeros([count, rows, columns], "f32"));
  const allB = scope.use(kernel.reshape(B, [count, rows, rank]));
  for (let e = 0; e < count; e++) {
    const transposed = transpose(a.subarray(e * matrix, (e + 1) * matrix), rank, columns);
    using factor = kernel.upload(transposed, [columns, rank], "f32");
    using ownB = kernel.rows(allB, e, 1);
    using product = kernel.linear(ownB, factor); // [1, O, I]
    using target = kernel.rows(sum, e, 1);
    kernel.copyInto(target, product);
  }
  return scope.release(sum);
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)] ?? NaN);
}
