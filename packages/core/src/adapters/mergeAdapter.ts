import { type FloatDType, fromFloat32, type HostArray, type Tensor, toFloat32 } from "@mamba/kernel";
import { MambaError } from "../errors.ts";
import type { LowRankUpdate } from "../layers/linear.ts";
import type { MambaLM } from "../model/mambaLM.ts";
import { checkParameters } from "../parameters/spec.ts";
import { type LoraAdapter, loraSpecs, moduleName } from "./lora.ts";

/**
 * Folds an adapter into the weights of a model, in place: `W + alpha / r · B · A`, summed in f32 and then rounded once to the
 * type that the weight is stored in (nearest, ties to even). An adapter that is attached to the model is detached.
 *
 * @throws MambaError `PARAMETER` when the adapter is for a model of another shape (nothing is changed then), or when a sum
 * is not finite in the weight's type: the model is then partly merged and must be loaded again.
 */
export async function mergeAdapter(model: MambaLM, adapter: LoraAdapter): Promise<void> {
  checkParameters(adapter.parameters, loraSpecs(model.linears, adapter.config));
  for (const [name, { weight }] of model.linears) {
    const update = adapter.updateOf(moduleName(name));
    if (update) model.kernel.write(weight, 0, await mergedWeight(model, name, weight, update));
  }
  if (model.adapter === adapter) model.detach();
}

async function mergedWeight(
  { kernel }: MambaLM,
  name: string,
  weight: Tensor,
  { A, B, scale }: LowRankUpdate,
): Promise<HostArray> {
  const dtype = weight.dtype as FloatDType;
  const [rank = 0, columns = 0] = A.shape;
  const [a] = (await kernel.read(A)) as [Float32Array];
  using transposed = kernel.upload(transpose(a, rank, columns), [columns, rank], "f32");
  using product = kernel.linear(B, transposed); // B · A [O, I]
  const [stored, delta] = (await kernel.read(weight, product)) as [HostArray, Float32Array];
  const sum = toFloat32(stored, dtype).map((value, i) => value + scale * (delta[i] ?? NaN));
  const merged = fromFloat32(sum, dtype);
  const bad = toFloat32(merged, dtype).findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    const reason = `element ${bad} would be ${sum[bad] ?? NaN}`;
    throw new MambaError("PARAMETER", `${name} cannot be merged and stay ${dtype}: ${reason}`);
  }
  return merged;
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)] ?? NaN);
}
