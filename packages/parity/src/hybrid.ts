import {
  attention,
  experts,
  initialValues,
  mamba2,
  mamba3,
  MambaLM,
  mlp,
  parameterSpecs,
  resolveLMConfig,
} from "@mamba/core";
import { type Kernel, lastExtent } from "@mamba/kernel";
import { quantize } from "@mamba/kernel/quantize";

const common = { dModel: 32, nLayers: 2, initializerRange: 0.1 };
const heads = { ...common, headDim: 16, dState: 6 };
const routed = { experts: 3, perToken: 2, shared: { dHidden: 32 }, balance: 0.01 };

/** A small language model with Mamba-2, attention, experts, an MLP and Mamba-3. */
export const hybridConfig = resolveLMConfig({
  vocabSize: 8,
  dModel: 32,
  initializerRange: 0.1,
  layers: [
    {
      mixer: [
        mamba2({ ...heads, groups: 2 }),
        attention({ ...common, heads: 4, kvHeads: 2, rotary: { theta: 100 } }),
      ],
      ffn: experts({ ...common, ...routed, dHidden: 32 }),
    },
    { mixer: mamba3(heads), ffn: mlp({ ...common, dHidden: 32 }) },
  ],
});

/** The model of `hybridConfig` with weights in q8_0, except those that must be f32 and rows that do not fit its storage blocks. */
export function quantizedHybrid(kernel: Kernel): MambaLM {
  const tensors = parameterSpecs(hybridConfig).map((spec) => {
    const { name, shape, storage } = spec;
    const data = initialValues(spec, 1);
    const isQuantized = storage !== "f32" && shape.length > 1 && lastExtent(shape) % 32 === 0;
    const tensor = isQuantized
      ? kernel.upload(quantize(data, "q8_0", lastExtent(shape)), shape, "q8_0")
      : kernel.upload(data, shape, "f32");
    return [name, tensor] as const;
  });
  return new MambaLM(kernel, hybridConfig, new Map(tensors));
}
