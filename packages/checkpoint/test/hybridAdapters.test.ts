import { join } from "node:path";
import { LoraAdapter, MambaLM, moduleName } from "@mamba/core";
import { expect, test } from "vitest";
import { loadAdapter, openSafetensors, saveAdapter } from "../src/index.ts";
import { refusal, temporaryFolder } from "./support/folders.ts";
import { hostKernel } from "./support/hostKernel.ts";
import { hybridModels } from "./support/hybrids.ts";

// Adapters of hybrids have the names that PEFT gives them, which are those of the modules of the model's class.

const kernel = hostKernel();
const modelOf = (format: string, index: number) => {
  const input = hybridModels[format]?.[index];
  if (!input) throw new Error(`there is no model ${index} of ${format}`);
  return MambaLM.init(kernel, input, 1);
};

/** An adapter without zeros, so that every value has a place of its own. */
function adapterOf(model: MambaLM, targets?: readonly string[], rankStabilized = false) {
  const { config, parameters } = LoraAdapter.init(model, { rank: 2, alpha: 3, targets, rankStabilized }, 7);
  let next = 0;
  const filled = [...parameters].map(([name, { shape }]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return [
      name,
      kernel.upload(
        Float32Array.from({ length: size }, () => ++next / 64),
        shape,
        "f32",
      ),
    ] as const;
  });
  for (const tensor of parameters.values()) tensor.dispose();
  return new LoraAdapter(config, new Map(filled));
}

async function valuesOf({ parameters }: LoraAdapter) {
  const values = await kernel.read(...parameters.values());
  return new Map([...parameters.keys()].map((name, i) => [name, values[i]]));
}

async function savedNames(model: MambaLM, adapter: LoraAdapter) {
  const folder = await temporaryFolder();
  await saveAdapter(model, adapter, folder);
  await using file = await openSafetensors(join(folder, "adapter_model.safetensors"));
  using again = await loadAdapter(model, folder);
  expect(await valuesOf(again)).toEqual(await valuesOf(adapter));
  model.attach(again);
  model.detach();
  const { config } = again;
  return { config, shapes: new Map([...file.tensors.values()].map(({ name, shape }) => [name, shape])) };
}

test.each([
  ["mamba2", 0, "backbone.layers.0.mixer.in_proj"],
  ["granitemoehybrid", 0, "model.layers.0.mamba.in_proj"],
  ["granitemoehybrid", 0, "model.layers.1.self_attn.q_proj"],
  ["falcon_h1", 0, "model.layers.1.self_attn.o_proj"],
  ["falcon_h1", 1, "model.layers.0.mamba.out_proj"],
  ["nemotron_h", 0, "backbone.layers.2.mixer.k_proj"],
  ["jamba", 0, "model.layers.2.mamba.x_proj"],
  ["bamba", 0, "model.layers.0.mamba.in_proj"],
  ["mamba_ts", 0, "backbone.layers.0.mixers.1.q_proj"],
])("%s %i: %s has its adapter under that name", async (format, index, module) => {
  using model = modelOf(format, index);
  using adapter = adapterOf(model);
  const { config, shapes } = await savedNames(model, adapter);
  expect(config).toEqual(adapter.config);
  expect(shapes.has(`base_model.model.${module}.lora_A.weight`)).toBe(true);
  expect(shapes.size).toBe(adapter.parameters.size);
});

test.each([false, true])(
  "updates of gate and up become one of the joined matrix, rank-stabilized %s",
  async (rs) => {
    using model = modelOf("granitemoehybrid", 0);
    using adapter = adapterOf(model, ["in_proj", "gate_proj", "up_proj", "down_proj", "embeddings"], rs);
    const { config, shapes } = await savedNames(model, adapter);
    expect(config.targets).toHaveLength(5);
    const joined = "base_model.model.model.layers.0.shared_mlp.input_linear";
    expect(shapes.get(`${joined}.lora_A.weight`)).toEqual([4, 16]);
    expect(shapes.get(`${joined}.lora_B.weight`)).toEqual([40, 4]);
    expect(shapes.get("base_model.model.model.embed_tokens.lora_embedding_A")).toEqual([2, 299]);
  },
);

test("experts with a tensor each have an adapter each", async () => {
  for (const [format, index, name] of [
    ["nemotron_h", 1, "backbone.layers.1.mixer.experts.4.up_proj"],
    ["nemotron_h", 2, "backbone.layers.1.mixer.fc1_latent_proj"],
    ["jamba", 1, "model.layers.1.feed_forward.experts.2.down_proj"],
  ] as const) {
    using model = modelOf(format, index);
    using adapter = adapterOf(model, [...new Set([...model.linears.keys()].map(moduleName))]);
    const { shapes } = await savedNames(model, adapter);
    expect([...shapes.keys()], name).toContain(`base_model.model.${name}.lora_B.weight`);
  }
});

test("experts in one tensor are refused by name before anything is written", async () => {
  using model = modelOf("granitemoehybrid", 2);
  using adapter = adapterOf(model, ["layers.0.ffn.up_proj"]);
  const error = await refusal(() => saveAdapter(model, adapter, "nowhere"));
  expect(error).toMatchObject({ code: "UNSUPPORTED_ADAPTER" });
  expect(error.message).toContain("backbone.layers.0.ffn.up_proj");
});
