import { canTrain, type FloatDType, fromFloat32, type HostArray, Scope, toFloat32 } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import {
  LoraAdapter,
  type LoraConfigInput,
  loraSpecs,
  MambaError,
  MambaLM,
  type MambaLMConfigInput,
  mergeAdapter,
  parameterSpecs,
  resolveLoraConfig,
  Tape,
} from "../src/index.ts";
import { close, nmse, small, someIds, take, uploadIds, withModel } from "./support.ts";
import { trainedAdapter } from "./trainedAdapter.ts";

const rows = [someIds(11, 1), someIds(11, 2)];

/** The values of a model's own parameters, as they are stored. */
async function contents({ kernel, parameters }: MambaLM): Promise<Map<string, HostArray>> {
  const values = await kernel.read(...parameters.values());
  return new Map([...parameters.keys()].map((name, i) => [name, values[i]!]));
}

async function logitsOf(model: MambaLM): Promise<Float32Array> {
  using ids = uploadIds(model.kernel, rows);
  return await take(model.kernel, model.forward(ids));
}

/** The model with its large matrices in another storage; small parameters stay f32. */
async function stored(model: MambaLM, dtype: FloatDType): Promise<MambaLM> {
  const values = await contents(model);
  const tensors = parameterSpecs(model.config).map(({ name, shape, storage }) => {
    const target = storage === "any" ? dtype : "f32";
    const from = model.parameters.get(name)!.dtype as FloatDType;
    const data = fromFloat32(toFloat32(values.get(name)!, from), target);
    return [name, model.kernel.upload(data, shape, target)] as const;
  });
  return new MambaLM(model.kernel, model.config, new Map(tensors));
}

test("an untrained adapter changes no bit; detached, neither does a trained one", async () => {
  await withModel(async (model) => {
    const plain = await logitsOf(model);
    using fresh = LoraAdapter.init(model, { rank: 4 });
    model.attach(fresh);
    expect(await logitsOf(model)).toEqual(plain);
    using adapter = trainedAdapter(model);
    model.attach(adapter);
    expect(model.adapter).toBe(adapter);
    expect(nmse(await logitsOf(model), plain)).toBeGreaterThan(1e-3);
    model.detach();
    expect(await logitsOf(model)).toEqual(plain);
  });
});

test("an adapter of the table and the head has a gradient for each of its parameters", async () => {
  await withModel(async (model, kernel) => {
    if (!canTrain(kernel)) throw new Error("the CPU kernel must be able to train");
    using adapter = LoraAdapter.init(model, { rank: 2, targets: ["embeddings", "lm_head"] });
    const names = ["backbone.embeddings.lora_embedding_A", "backbone.embeddings.lora_embedding_B"];
    expect([...adapter.parameters.keys()]).toEqual([
      ...names,
      "lm_head.lora_A.weight",
      "lm_head.lora_B.weight",
    ]);
    expect([...adapter.parameters.values()].map(({ shape }) => shape)).toEqual([
      [37, 2],
      [20, 2],
      [2, 20],
      [37, 2],
    ]);
    for (const tensor of adapter.parameters.values()) {
      const values = Float32Array.from({ length: tensor.shape[0]! * 2 }, (_, i) => Math.sin(i) / 4);
      if (tensor.shape[1] === 2) kernel.write(tensor, 0, values);
    }
    model.attach(adapter);
    using ids = uploadIds(kernel, rows);
    using tape = new Tape(kernel, adapter.parameters.values());
    const logits = tape.reshape(model.run(tape, ids), [22, small.vocabSize]);
    const loss = () => tape.crossEntropy(logits, tape.constant(Int32Array.from(rows.flat()), [22]));
    const found = tape.backward(loss());
    expect(found.size).toBe(4);
    // A step against a gradient lowers the loss as the gradient promises.
    const lossNow = async () => {
      using now = new Tape(kernel, []);
      const y = now.reshape(model.run(now, ids), [22, small.vocabSize]);
      return (
        await kernel.read(now.crossEntropy(y, now.constant(Int32Array.from(rows.flat()), [22])))
      )[0]![0]!;
    };
    for (const [tensor, gradient] of found) {
      const [values, slope] = (await kernel.read(tensor, gradient)) as [Float32Array, Float32Array];
      const power = slope.reduce((sum, value) => sum + value * value, 0);
      const step = 0.01 / power;
      const measured: number[] = [];
      for (const sign of [1, -1]) {
        kernel.write(
          tensor,
          0,
          values.map((value, i) => value + sign * step * slope[i]!),
        );
        measured.push(await lossNow());
      }
      kernel.write(tensor, 0, values);
      expect(Math.abs((measured[0]! - measured[1]!) / 0.02 - 1)).toBeLessThan(0.1);
      gradient.dispose();
    }
    model.detach();
  });
});

test("with an adapter, forward(L) = forward(k) then forward(L - k) = L x step", async () => {
  await withModel(async (model, kernel) => {
    using adapter = trainedAdapter(model);
    model.attach(adapter);
    const V = small.vocabSize;
    const whole = await logitsOf(model);
    const last = (row: number) => whole.subarray((row * 11 + 10) * V, (row * 11 + 11) * V);
    const cut = (from: number, to: number) =>
      uploadIds(
        kernel,
        rows.map((row) => row.slice(from, to)),
      );
    using state = model.createState(2);
    using head = cut(0, 4);
    using tail = cut(4, 11);
    await take(kernel, model.forward(head, { state }));
    const chunked = await take(kernel, model.forward(tail, { state, logits: "last" }));
    using stepped = model.createState(2);
    let logits: Float32Array = new Float32Array();
    for (let i = 0; i < 11; i++) {
      using ids = kernel.upload(
        Int32Array.from(rows, (row) => row[i]!),
        [2],
        "i32",
      );
      logits = await take(kernel, model.step(ids, stepped));
    }
    for (const row of [0, 1]) {
      for (const found of [chunked, logits]) {
        expect(nmse(found.subarray(row * V, (row + 1) * V), last(row))).toBeLessThan(close);
      }
    }
  });
});

describe("merging", () => {
  // A merged weight is rounded once to its storage: by at most 2^-12 of it in f16 and 2^-9 in bf16. On the logits that
  // makes an NMSE of 1.4e-8 and 1.2e-6 here.
  test.each([
    ["f32", close],
    ["f16", 1e-7],
    ["bf16", 1e-5],
  ] as const)("gives the logits of the adapter beside a base in %s, up to rounding", async (dtype, limit) => {
    await withModel(async (original) => {
      using model = await stored(original, dtype);
      using adapter = trainedAdapter(model);
      const before = await contents(model);
      const plain = await logitsOf(model);
      model.attach(adapter);
      const unmerged = await logitsOf(model);
      expect(await contents(model)).toEqual(before);
      await mergeAdapter(model, adapter);
      expect(model.adapter).toBeUndefined();
      const merged = await logitsOf(model);
      expect(nmse(merged, unmerged)).toBeLessThan(limit);
      expect(nmse(merged, plain)).toBeGreaterThan(1e-2);
      const after = await contents(model);
      for (const [name, tensor] of model.parameters) {
        expect(tensor.dtype).toBe(dtype === "f32" || !/embeddings|_proj\.weight$/.test(name) ? "f32" : dtype);
        const isSame = after.get(name)!.every((value, i) => value === before.get(name)![i]);
        expect([name, isSame]).toEqual([name, !name.endsWith("_proj.weight")]);
      }
    });
  });

  test("an adapter is merged once: a second merge, or attaching it again, would add it twice", async () => {
    await withModel(async (model, kernel) => {
      using adapter = trainedAdapter(model);
      using other = trainedAdapter(model);
      await mergeAdapter(model, adapter);
      const merged = await contents(model);
      const refused = expect.objectContaining({
        code: "PARAMETER",
        message: expect.stringContaining("already merged into this model") as string,
      }) as Error;
      await expect(mergeAdapter(model, adapter)).rejects.toThrow(refused);
      expect(() => model.attach(adapter)).toThrow(refused);
      expect(await contents(model)).toEqual(merged);
      model.attach(other); // another adapter, and the same one on another model
      model.detach();
      using second = MambaLM.init(kernel, small, 3);
      await mergeAdapter(second, adapter);
    });
  });

  test("adds what float64 says, scaled by alpha / rank", async () => {
    await withModel(async (model, kernel) => {
      using adapter = trainedAdapter(model, { rank: 2, alpha: 3, targets: ["x_proj"] });
      const name = "backbone.layers.1.mixer.x_proj";
      const before = (await contents(model)).get(`${name}.weight`)!;
      const { A, B, scale } = adapter.updateOf(name)!;
      expect(scale).toBe(1.5);
      const [a, b] = (await kernel.read(A, B)) as [Float32Array, Float32Array];
      await mergeAdapter(model, adapter);
      const columns = A.shape[1]!;
      const expected = Float64Array.from(before, (value, i) => {
        const [o, c] = [Math.floor(i / columns), i % columns];
        return value + 1.5 * (b[o * 2]! * a[c]! + b[o * 2 + 1]! * a[columns + c]!);
      });
      expect(nmse((await contents(model)).get(`${name}.weight`)!, expected)).toBeLessThan(1e-13);
    });
  });

  test("refuses a sum that the storage cannot hold", async () => {
    await withModel(async (original, kernel) => {
      using model = await stored(original, "f16");
      using adapter = LoraAdapter.init(model, { rank: 1, targets: ["out_proj"] });
      kernel.write(
        adapter.parameters.get("backbone.layers.0.mixer.out_proj.lora_B.weight")!,
        7,
        Float32Array.of(1e9),
      );
      await expect(mergeAdapter(model, adapter)).rejects.toThrow(
        expect.objectContaining({
          code: "PARAMETER",
          message: expect.stringMatching(
            /0\.mixer\.out_proj\.weight cannot be merged and stay f16/,
          ) as string,
        }),
      );
    });
  });
});

describe("gradients", () => {
  /** Gradients by name of 0.5 · |logits|², through a tape that tracks what the model trains. */
  async function gradientsOf(model: MambaLM, recompute = false): Promise<Map<string, Float32Array>> {
    const { kernel } = model;
    if (!canTrain(kernel)) throw new Error("the CPU kernel must be able to train");
    using scope = new Scope();
    const ids = scope.use(uploadIds(kernel, rows));
    const { parameters } = model.trainable;
    const tape = scope.use(new Tape(kernel, parameters.values(), { recompute }));
    const logits = model.run(tape, ids);
    const found = tape.backward(logits, scope.use(kernel.scale(logits, 1)));
    const byName = new Map<string, Float32Array>();
    for (const [name, tensor] of parameters) {
      const gradient = found.get(tensor);
      if (gradient) byName.set(name, await take(kernel, gradient));
    }
    expect(byName.size).toBe(found.size); // none for anything else
    return byName;
  }

  test.each<[string, MambaLMConfigInput]>([
    ["plain", { ...small, initializerRange: 0.3 }],
    ["biases, inner norms", { ...small, initializerRange: 0.3, bias: true, innerNorms: "weighted" }],
  ])("are those of the equal dense model by the chain rule: %s", async (_, config) => {
    await withModel(async (model, kernel) => {
      using adapter = trainedAdapter(model);
      model.attach(adapter);
      const gradients = await gradientsOf(model);
      expect([...gradients.keys()]).toEqual([...adapter.parameters.keys()]);
      expect(await gradientsOf(model, true)).toEqual(gradients);
      await mergeAdapter(model, adapter); // the equal dense model
      const dense = await gradientsOf(model);
      for (const { name } of loraSpecs(model.linears, adapter.config)) {
        if (!name.endsWith("lora_A.weight")) continue;
        const module = name.replace(".lora_A.weight", "");
        const { A, B, scale } = adapter.updateOf(module)!;
        const [a, b] = (await kernel.read(A, B)) as [Float32Array, Float32Array];
        const dW = dense.get(`${module}.weight`)!;
        const [r, I, O] = [A.shape[0]!, A.shape[1]!, B.shape[0]!];
        const dA = new Float64Array(r * I); // scale · Bᵀ · dW
        const dB = new Float64Array(O * r); // scale · dW · Aᵀ
        for (let o = 0; o < O; o++) {
          for (let k = 0; k < r; k++) {
            for (let i = 0; i < I; i++) {
              dA[k * I + i]! += scale * b[o * r + k]! * dW[o * I + i]!;
              dB[o * r + k]! += scale * dW[o * I + i]! * a[k * I + i]!;
            }
          }
        }
        expect([module, nmse(gradients.get(`${module}.lora_A.weight`)!, dA) < close]).toEqual([module, true]);
        expect([module, nmse(gradients.get(`${module}.lora_B.weight`)!, dB) < close]).toEqual([module, true]);
      }
    }, config);
  });

  test.each(["f16", "bf16"] as const)("reach the first layer through a base in %s", async (dtype) => {
    await withModel(async (original) => {
      using model = await stored(original, dtype);
      using wide = await stored(model, "f32"); // the same numbers
      using adapter = trainedAdapter(model);
      model.attach(adapter);
      wide.attach(adapter);
      const [narrow, expected] = [await gradientsOf(model), await gradientsOf(wide)];
      expect([...narrow.keys()]).toEqual([...adapter.parameters.keys()]);
      for (const [name, gradient] of narrow) {
        expect([name, nmse(gradient, expected.get(name)!) < close]).toEqual([name, true]);
      }
    });
  });
});

describe("configs", () => {
  test("have defaults", () => {
    expect(resolveLoraConfig({ rank: 8 })).toEqual({
      rank: 8,
      alpha: 16,
      rankStabilized: false,
      targets: ["in_proj", "x_proj", "out_proj"],
      base: undefined,
    });
    expect(resolveLoraConfig({ rank: 1, targets: ["out_proj", "dt_proj"] }).targets).toEqual([
      "dt_proj",
      "out_proj",
    ]);
  });

  test.each<[object, string]>([
    [{ rank: 0 }, "rank must be a whole number from 1 to 65536, got 0"],
    [{ rank: 2.5 }, "rank must be"],
    [{ rank: 2, alpha: 0 }, "alpha must be a number above 0 and at most 1000000, got 0"],
    [{ rank: 2, alpha: NaN }, "alpha must be"],
    [{ rank: 2, targets: [] }, "targets must be some of in_proj, x_proj, dt_proj, out_proj, each once"],
    [{ rank: 2, targets: ["lm_head"] }, "targets must be"],
    [{ rank: 2, targets: ["in_proj", "in_proj"] }, "targets must be"],
  ])("%j is refused", (input, message) => {
    const resolve = () => resolveLoraConfig(input as LoraConfigInput);
    expect(resolve).toThrow(message);
    expect(resolve).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });

  test("A starts within 1 / sqrt(I), B at zero; seeds differ", async () => {
    await withModel(async (model, kernel) => {
      using one = LoraAdapter.init(model, { rank: 8 }, 1);
      using two = LoraAdapter.init(model, { rank: 8 }, 2);
      for (const [name, tensor] of one.parameters) {
        const [values, others] = (await kernel.read(tensor, two.parameters.get(name)!)) as Float32Array[];
        const most = Math.max(...values!.map(Math.abs));
        if (name.endsWith("lora_B.weight")) expect(most).toBe(0);
        else {
          const bound = tensor.shape[1]! ** -0.5;
          expect(most).toBeLessThanOrEqual(Math.fround(bound));
          expect(most).toBeGreaterThan(0.9 * bound);
          expect(values).not.toEqual(others);
        }
      }
    });
  });

  test("an adapter of another model is refused, and changes nothing", async () => {
    await withModel(async (model, kernel) => {
      const plain = await logitsOf(model);
      using wider = MambaLM.init(kernel, { ...small, dModel: 24 });
      using deeper = MambaLM.init(kernel, { ...small, nLayers: 4 });
      for (const other of [wider, deeper]) {
        using adapter = trainedAdapter(other);
        expect(() => model.attach(adapter)).toThrow(MambaError);
        await expect(mergeAdapter(model, adapter)).rejects.toThrow(
          expect.objectContaining({ code: "PARAMETER" }),
        );
      }
      expect(model.adapter).toBeUndefined();
      expect(await logitsOf(model)).toEqual(plain);
    });
  });
});
