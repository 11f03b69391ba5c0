import {
  type FloatDType,
  fromFloat32,
  type HostArray,
  type Kernel,
  type Tensor,
  toFloat32,
} from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { parameter } from "../parameters/spec.ts";
import { type LoraAdapter, moduleName } from "./lora.ts";

/**
 * Folds an adapter into the weights of a model, in place: `W + scale · B · A`, summed in f32 and then rounded once to the
 * type that the weight is stored in (nearest, ties to even). An adapter that is attached to the model is detached. The
 * adapter cannot be merged into this model or attached to it again, which would add it twice.
 *
 * @throws MambaError `PARAMETER` when `checkMergeable` refuses (nothing is changed then), or when a sum is not finite in the weight's type: the model is then partly merged and must be
 * loaded again.
 */
export async function mergeAdapter(model: Model<object>, adapter: LoraAdapter): Promise<void> {
  checkMergeable(model, adapter);
  model.markMerged(adapter);
  for (const [name, { weight }] of model.linears) {
    if (adapter.updateOf(moduleName(name)) === undefined) continue;
    const dtype = weight.dtype as FloatDType;
    const sum = await mergedWeight(model, name, adapter);
    const merged = fromFloat32(sum, dtype);
    const bad = toFloat32(merged, dtype).findIndex((value) => !Number.isFinite(value));
    if (bad !== -1) {
      const reason = `element ${bad} would be ${sum[bad] ?? NaN}`;
      throw new MambaError("PARAMETER", `${name} cannot be merged and stay ${dtype}: ${reason}`);
    }
    model.kernel.write(weight, 0, merged);
  }
  if (model.adapter === adapter) model.detach();
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
  const dtype = weight.dtype as FloatDType;
  const update = adapter.updateOf(moduleName(name));
  if (update === undefined) {
    const [stored] = (await kernel.read(weight)) as [HostArray];
    return toFloat32(stored, dtype);
  }
  const { A, B, scale } = update;
  using product = adapter.isEmbedding(moduleName(name)) ? kernel.linear(A, B) : await productOf(kernel, A, B);
  const [stored, delta] = (await kernel.read(weight, product)) as [HostArray, Float32Array];
  return toFloat32(stored, dtype).map((value, i) => value + scale * (delta[i] ?? NaN));
}

/** `B · A` [O, I]. The table of an embedding is transposed already: there it is `A · Bᵀ` [V, D]. */
async function productOf(kernel: Kernel, A: Tensor, B: Tensor): Promise<Tensor> {
  const [rank = 0, columns = 0] = A.shape;
  const [a] = (await kernel.read(A)) as [Float32Array];
  using transposed = kernel.upload(transpose(a, rank, columns), [columns, rank], "f32");
  return kernel.linear(B, transposed);
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)] ?? NaN);
}
