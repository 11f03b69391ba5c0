import { lastExtent, Scope, type Tensor } from "@mamba/kernel";
import { dequantize, quantize } from "@mamba/kernel/quantize";
import { expect, test } from "vitest";
import {
  attention,
  experts,
  LoraAdapter,
  mamba2,
  MambaLM,
  mlp,
  modelFingerprint,
  resolveLMConfig,
  parameterSpecs,
  initialValues,
} from "../src/index.ts";
import { close, nmse, someIds, take, uploadIds } from "./support.ts";
import { gradients, kernel, useTrainingKernel } from "./trainingKernel.ts";

// A hybrid with quantised matrices, those of experts included, computes what a model computes that has the numbers that they mean.

useTrainingKernel("f32");

const dModel = 32;
const common = { dModel, nLayers: 2, initializerRange: 0.2 };
const config = resolveLMConfig({
  dModel,
  vocabSize: 37,
  tieEmbeddings: false,
  layers: [
    { mixer: mamba2({ ...common, heads: 4, headDim: 8, dState: 5 }), ffn: mlp({ ...common, dHidden: 64 }) },
    {
      mixer: attention({ ...common, heads: 4, rotary: { theta: 100 } }),
      ffn: experts({ ...common, dHidden: 32, experts: 3, perToken: 2, shared: { dHidden: 32 } }),
    },
  ],
});
const ids = someIds(11, 1);

/** The model, quantised or with the dequantised numbers in f32. */
function modelOf(isQuantised: boolean, seed = 5): MambaLM {
  const tensors = parameterSpecs(config).map((spec) => {
    const { name, shape, storage } = spec;
    const data = initialValues(spec, seed);
    if (storage === "f32") return [name, kernel.upload(data, shape, "f32")] as const;
    const blocks = quantize(data, "q8_0", lastExtent(shape));
    if (isQuantised) return [name, kernel.upload(blocks, shape, "q8_0")] as const;
    return [name, kernel.upload(dequantize(blocks, "q8_0"), shape, "f32")] as const;
  });
  return new MambaLM(kernel, config, new Map<string, Tensor>(tensors));
}

async function logitsOf(model: MambaLM): Promise<Float32Array> {
  using input = uploadIds(kernel, [ids]);
  return await take(kernel, model.forward(input));
}

test("logits, and gradients of an adapter of every linear layer", async () => {
  using scope = new Scope();
  const [stored, meant] = [scope.use(modelOf(true)), scope.use(modelOf(false))];
  expect(stored.parameters.get("backbone.layers.1.ffn.up_proj.weight")?.dtype).toBe("q8_0");
  expect(nmse(await logitsOf(stored), await logitsOf(meant))).toBeLessThan(close);
  const targets = ["in_proj", "out_proj", "q_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
  const adapter = scope.use(LoraAdapter.init(stored, { rank: 2, targets }, 3));
  for (const [name, tensor] of adapter.parameters) {
    if (!name.endsWith("lora_B.weight")) continue;
    const count = tensor.shape.reduce((a, b) => a * b);
    kernel.write(
      tensor,
      0,
      Float32Array.from({ length: count }, (_, i) => 0.1 * Math.sin(i)),
    );
  }
  const [own, expected] = await Promise.all(
    [stored, meant].map(async (model) => {
      model.attach(adapter);
      return await gradients([...adapter.parameters.values()], (ops) => {
        const input = ops.constant(Int32Array.from(ids), [1, ids.length]);
        const logits = ops.reshape(model.run(ops, input), [ids.length, 37]);
        return ops.crossEntropy(logits, ops.constant(Int32Array.from(someIds(ids.length, 2)), [ids.length]));
      });
    }),
  );
  [...adapter.parameters.keys()].forEach((name, i) => {
    expect([name, nmse(own![i]!, expected![i]!) < close]).toEqual([name, true]);
  });
});

test("a fingerprint tells quantised experts apart", async () => {
  using model = modelOf(true);
  using same = modelOf(true);
  const fingerprint = await modelFingerprint(model);
  expect(await modelFingerprint(same)).toBe(fingerprint);
  const name = "backbone.layers.1.ffn.down_proj.weight";
  const weight = same.parameters.get(name)!;
  const [blocks] = await kernel.read(weight);
  const changed = Uint8Array.from(blocks as Uint8Array);
  changed[5] = changed[5]! ^ 1;
  kernel.write(weight, 0, changed);
  expect(await modelFingerprint(same)).not.toBe(fingerprint);
});
