import { canTrain, isQuantized, type Kernel, lastExtent, type QuantizedDType, Scope } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { dequantize, quantize } from "@mamba/kernel/quantize";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LoraAdapter } from "../src/index.ts";
import {
  generate,
  GenerationState,
  loadState,
  MambaError,
  MambaLM,
  mergeAdapter,
  modelFingerprint,
  parameterSpecs,
  saveState,
  Tape,
} from "../src/index.ts";
import { collect, idsOf, nmse, someIds, take, uploadIds } from "./support.ts";
import { trainedAdapter } from "./trainedAdapter.ts";

// A model with quantised weights computes what a model computes that has the numbers that they mean.

const config = { dModel: 32, nLayers: 2, vocabSize: 37, dState: 5, dtRank: 3, dConv: 4 } as const;
const types = ["q8_0", "q4_0"] as const;
const rows = [someIds(11, 1), someIds(11, 2)];

let kernel: Kernel;
beforeAll(async () => {
  kernel = await createCpuKernel({ threads: 1, activations: "f32" });
});
afterAll(async () => {
  expect(kernel.memory()).toEqual({ tensors: 0, bytes: 0 });
  await kernel.dispose();
});

/** One model twice: quantised, and with the dequantised numbers in f32. */
async function twins(dtype: QuantizedDType): Promise<{ stored: MambaLM; meant: MambaLM }> {
  using model = MambaLM.init(kernel, config, 5);
  const values = await kernel.read(...model.parameters.values());
  const floats = new Map([...model.parameters.keys()].map((name, i) => [name, values[i] as Float32Array]));
  const make = (quantised: boolean): MambaLM => {
    const tensors = parameterSpecs(model.config).map(({ name, shape, storage }) => {
      const data = floats.get(name)!;
      const columns = lastExtent(shape);
      if (storage === "f32" || columns % 32 !== 0) return [name, kernel.upload(data, shape, "f32")] as const;
      const blocks = quantize(data, dtype, columns);
      if (quantised) return [name, kernel.upload(blocks, shape, dtype)] as const;
      return [name, kernel.upload(dequantize(blocks, dtype), shape, "f32")] as const;
    });
    return new MambaLM(kernel, model.config, new Map(tensors));
  };
  return { stored: make(true), meant: make(false) };
}

async function logitsOf(model: MambaLM): Promise<Float32Array> {
  using ids = uploadIds(kernel, rows);
  return await take(kernel, model.forward(ids));
}

/** Gradients of the adapter's parameters, from the loss of the next ids. */
async function gradientsOf(model: MambaLM, adapter: LoraAdapter): Promise<Map<string, Float32Array>> {
  if (!canTrain(kernel)) throw new Error("the CPU kernel must be able to train");
  const parameters = [...adapter.parameters];
  using ids = uploadIds(kernel, rows);
  using tape = new Tape(kernel, adapter.parameters.values());
  const logits = tape.reshape(model.run(tape, ids), [22, config.vocabSize]);
  const targets = Int32Array.from(rows.flat(), (id) => (id * 5 + 1) % config.vocabSize);
  const found = tape.backward(tape.crossEntropy(logits, tape.constant(targets, [22])));
  const gradients = new Map<string, Float32Array>();
  for (const [name, tensor] of parameters) gradients.set(name, await take(kernel, found.get(tensor)!));
  return gradients;
}

test.each(types)(
  "%s: results, adapters and their gradients are those of the dequantised model",
  async (dtype) => {
    const { stored, meant } = await twins(dtype);
    using _stored = stored;
    using _meant = meant;
    expect([...stored.parameters.values()].filter((tensor) => tensor.dtype === dtype).length).toBeGreaterThan(
      5,
    );
    expect(nmse(await logitsOf(stored), await logitsOf(meant))).toBeLessThan(1e-9);
    using adapter = trainedAdapter(stored);
    stored.attach(adapter);
    meant.attach(adapter);
    expect(nmse(await logitsOf(stored), await logitsOf(meant))).toBeLessThan(1e-9);
    const own = await gradientsOf(stored, adapter);
    const expected = await gradientsOf(meant, adapter);
    expect(own.size).toBeGreaterThan(4);
    for (const [name, gradient] of own) {
      expect(
        gradient.some((value) => value !== 0),
        name,
      ).toBe(true);
      expect(nmse(gradient, expected.get(name)!), name).toBeLessThan(1e-8);
    }
  },
);

test.each(types)(
  "%s: the fingerprint is that of the same numbers in f32, and of no other model",
  async (dtype) => {
    const { stored, meant } = await twins(dtype);
    using _stored = stored;
    using _meant = meant;
    expect(await modelFingerprint(stored)).toBe(await modelFingerprint(meant));
    using plain = MambaLM.init(kernel, config, 5);
    expect(await modelFingerprint(stored)).not.toBe(await modelFingerprint(plain));
  },
);

test.each(types)("%s: a merge is refused, or quantises the sums again", async (dtype) => {
  const { stored, meant } = await twins(dtype);
  using _stored = stored;
  using _meant = meant;
  using adapter = trainedAdapter(stored);
  stored.attach(adapter);
  const attached = await logitsOf(stored);
  const blocks = await kernel.read(...stored.parameters.values());
  const refused = await mergeAdapter(stored, adapter).catch((error: unknown) => error);
  expect(MambaError.is(refused, "UNSUPPORTED")).toBe(true);
  expect(String(refused)).toContain("requantize");
  expect(await kernel.read(...stored.parameters.values())).toEqual(blocks);
  expect(await logitsOf(stored)).toEqual(attached);

  await mergeAdapter(stored, adapter, { requantize: true });
  expect(stored.adapter).toBeUndefined();
  expect([...stored.parameters.values()].some(({ dtype }) => isQuantized(dtype))).toBe(true);
  const merged = await logitsOf(stored);
  expect(nmse(merged, attached)).toBeLessThan(dtype === "q8_0" ? 1e-3 : 5e-2);
  // Into floats without an option.
  using copy = trainedAdapter(meant);
  await mergeAdapter(meant, copy);
  expect(nmse(await logitsOf(meant), attached)).toBeLessThan(1e-8);
});

test("a merge whose sums need a larger scale than blocks have is refused", async () => {
  const { stored, meant } = await twins("q8_0");
  using _stored = stored;
  using _meant = meant;
  using adapter = trainedAdapter(stored);
  const [, first] = [...adapter.parameters].find(([name]) => name.endsWith("lora_B.weight"))!;
  kernel.write(first, 0, new Float32Array(first.shape[0]! * first.shape[1]!).fill(1e9));
  const refused = await mergeAdapter(stored, adapter, { requantize: true }).catch((error: unknown) => error);
  expect(MambaError.is(refused, "PARAMETER")).toBe(true);
  expect(String(refused)).toMatch(/cannot be merged and stay q8_0: .* beyond the range of f16/);
});

test.each(types)("%s: a saved state goes on where activations are int8", async (dtype) => {
  const { stored, meant } = await twins(dtype);
  using _stored = stored;
  using _meant = meant;
  using state = GenerationState.start(stored, someIds(9, 4));
  const head = await collect(generate(stored, state, { maxTokens: 3, temperature: 0 }));
  const saved = await saveState(state);
  const blocks = await kernel.read(...stored.parameters.values());

  await using other = await createCpuKernel({ threads: 1 });
  expect(other.capabilities.activations).toBe("int8");
  const tensors = [...stored.parameters].map(
    ([name, { shape, dtype }], i) => [name, other.upload(blocks[i]!, shape, dtype)] as const,
  );
  using copy = new MambaLM(other, stored.config, new Map(tensors));
  using restored = await loadState(copy, saved);
  expect(restored.ids).toEqual(state.ids);
  const tail = await collect(generate(copy, restored, { maxTokens: 4, temperature: 0 }));
  expect(tail).toHaveLength(4);
  // The model in f32 with the same numbers is the same model; one with other numbers is not.
  using exact = await loadState(meant, saved);
  const rest = await collect(generate(meant, exact, { maxTokens: 4, temperature: 0 }));
  const whole = await collect(generate(stored, someIds(9, 4), { maxTokens: 7, temperature: 0 }));
  expect(idsOf([...head, ...rest])).toEqual(idsOf(whole));
  using plain = MambaLM.init(other, config, 5);
  await expect(loadState(plain, saved)).rejects.toMatchObject({ code: "CACHE" });
});

test("parameters that must be f32 are refused in another type", () => {
  using scope = new Scope();
  using model = MambaLM.init(kernel, config, 5);
  const tensors = parameterSpecs(model.config).map(({ name, shape }) => {
    const dtype = name.endsWith("norm_f.weight") ? "q8_0" : "f32";
    return [name, scope.use(kernel.zeros(shape, dtype))] as const;
  });
  expect(() => new MambaLM(kernel, model.config, new Map(tensors))).toThrow(
    "norm_f.weight must be f32, got q8_0",
  );
});
