import { type FloatDType, fromFloat32, type HostArray, type Tensor, toFloat32 } from "@mamba/kernel";
import { MambaError } from "./errors.ts";
import type { LowRankUpdate } from "./linear.ts";
import { type LoraAdapter, loraSpecs } from "./lora.ts";
import type { MambaLM } from "./model.ts";
import { checkParameters, parameter } from "./parameters.ts";

/**
 * Folds an adapter into the weights of a model, in place: `W + alpha / r · B · A`, summed in f32 and then rounded once to
 * the type that the weight is stored in (nearest, ties to even). An adapter that is attached to the model is detached.
 *
 * @throws MambaError `PARAMETER` when the adapter is for a model of another shape (nothing is changed then), or when a
 * sum is not finite in the weight's type: the model is then partly merged and must be loaded again.
 */
export async function mergeAdapter(model: MambaLM, adapter: LoraAdapter): Promise<void> {
  checkParameters(adapter.parameters, loraSpecs(model.config, adapter.config));
  for (const [name, weight] of model.parameters) {
    const update = adapter.updateOf(name.replace(/\.weight$/, ""));
    if (update) model.kernel.write(weight, 0, await mergedWeight(model, name, update));
  }
  if (model.adapter === adapter) model.detach();
}

async function mergedWeight(
  { kernel, parameters }: MambaLM,
  name: string,
  { A, B, scale }: LowRankUpdate,
): Promise<HostArray> {
  const weight = parameter(parameters, name);
  const dtype = weight.dtype as FloatDType;
  using transposed = kernel.upload(
    transpose(A, (await kernel.read(A))[0] as Float32Array),
    flipped(A),
    "f32",
  );
  using product = kernel.linear(B, transposed); // B · A [O, I]
  const [stored, delta] = (await kernel.read(weight, product)) as [HostArray, Float32Array];
  const sum = toFloat32(stored, dtype).map((value, i) => value + scale * (delta[i] as number));
  const merged = fromFloat32(sum, dtype);
  const bad = toFloat32(merged, dtype).findIndex((value) => !Number.isFinite(value));
  if (bad !== -1) {
    const reason = `element ${bad} would be ${sum[bad]}`;
    throw new MambaError("PARAMETER", `${name} cannot be merged and stay ${dtype}: ${reason}`);
  }
  return merged;
}

function flipped({ shape: [rows = 0, columns = 0] }: Tensor): readonly [number, number] {
  return [columns, rows];
}

function transpose({ shape: [rows = 0, columns = 0] }: Tensor, values: Float32Array): Float32Array {
  return values.map((_, i) => values[(i % rows) * columns + Math.floor(i / rows)] as number);
}
