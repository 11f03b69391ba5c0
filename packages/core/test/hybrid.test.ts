import { Scope, type Tensor } from "@mamba/kernel";
import { expect, test } from "vitest";
import {
  attention,
  EagerOps,
  experts,
  type ExpertsConfigInput,
  initialValues,
  type LayerContext,
  linearNames,
  LoraAdapter,
  mamba2,
  mamba3,
  MambaLM,
  mergedWeight,
  mergeAdapter,
  mlp,
  type ModuleSpec,
  paramGroups,
  parameterSpecs,
  Positions,
  resolveLMConfig,
  Sequences,
  Tape,
} from "../src/index.ts";
import { close, nmse, someIds, take, uploadIds } from "./support.ts";
import { gradients, kernel, tensor, useTrainingKernel } from "./trainingKernel.ts";

// Language models of Mamba-2, Mamba-3, attention, MLPs and experts, and the rules of these modules.

useTrainingKernel();

const dModel = 12;
const common = { dModel, nLayers: 3, initializerRange: 0.3 };
const routed: ExpertsConfigInput = {
  ...common,
  dHidden: 7,
  experts: 5,
  perToken: 2,
  scoring: "sigmoid",
  scoreBias: true,
  normalize: true,
  shared: { dHidden: 3 },
  latent: 4,
};
const heads = { ...common, heads: 4, headDim: 3, dState: 5, groups: 2 };
const config = {
  dModel,
  vocabSize: 37,
  initializerRange: 0.5,
  tieEmbeddings: false,
  layers: [
    {
      mixer: [
        mamba2({ ...heads, scales: { x: 0.5, dt: 0.7 } }),
        attention({ ...common, heads: 4, kvHeads: 2, rotary: { theta: 100, dim: 2 } }),
      ],
      ffn: mlp({ ...common, dHidden: 7, gated: false, activation: "relu2" }),
      residualScale: 0.6,
    },
    { mixer: mamba3(heads) },
    { mixer: attention({ ...common, heads: 3 }), ffn: experts(routed) },
  ],
} as const;

test("a model of all modules: chunks and steps over a state equal the whole", async () => {
  using model = MambaLM.init(kernel, config, 5);
  const rows = [someIds(9, 1), someIds(9, 2)];
  using ids = uploadIds(kernel, rows);
  const whole = await take(kernel, model.forward(ids));
  const at = (data: Float32Array, length: number, row: number, position: number) =>
    data.subarray((row * length + position) * 37, (row * length + position + 1) * 37);
  using chunked = model.createState(2);
  using stepped = model.createState(2);
  let start = 0;
  for (const length of [4, 1, 4]) {
    using chunk = uploadIds(
      kernel,
      rows.map((row) => row.slice(start, start + length)),
    );
    const y = await take(kernel, model.forward(chunk, { state: chunked }));
    for (let l = 0; l < length; l++) {
      using token = kernel.upload(
        Int32Array.from(rows, (row) => row[start + l]!),
        [2],
        "i32",
      );
      const stepY = await take(kernel, model.step(token, stepped));
      for (const row of [0, 1]) {
        const expected = at(whole, 9, row, start + l);
        expect(nmse(at(y, length, row, l), expected)).toBeLessThan(close);
        expect(nmse(at(stepY, 1, row, 0), expected)).toBeLessThan(close);
      }
    }
    start += length;
  }
});

test("the optimizer decays matrices and convolutions, and no A_log, D, norm or bias", () => {
  const specs = parameterSpecs(resolveLMConfig(config));
  const decayed = new Set(
    paramGroups(specs, { lr: 1, weightDecay: 0.1 }).flatMap((group) =>
      group.weightDecay > 0 ? group.names : [],
    ),
  );
  for (const { name } of specs) {
    const isMatrix = /(_proj|router|embeddings|lm_head|conv1d)\.weight$/.test(name);
    expect([name, decayed.has(name)]).toEqual([name, isMatrix]);
  }
  expect(specs.filter(({ frozen }) => frozen).map(({ name }) => name)).toEqual([
    "backbone.layers.2.ffn.router.bias",
  ]);
  expect(specs.filter(({ name }) => name.includes("router")).map(({ storage }) => storage)).toEqual([
    "f32",
    "f32",
  ]);
});

test("training leaves the bias of a router out, and every other parameter has a gradient", async () => {
  using model = MambaLM.init(kernel, config, 5);
  const { parameters, specs } = model.trainable;
  expect(specs.map(({ name }) => name)).toEqual([...parameters.keys()]);
  expect([...model.parameters.keys()].filter((name) => !parameters.has(name))).toEqual([
    "backbone.layers.2.ffn.router.bias",
  ]);
  using ids = uploadIds(kernel, [someIds(6, 1)]);
  const all = await gradients([...parameters.values()], (ops) => {
    const logits = ops.reshape(model.run(ops, ids, { training: { seed: 1 } }), [6, 37]);
    return ops.crossEntropy(logits, ops.constant(Int32Array.from(someIds(6, 2)), [6]));
  });
  [...parameters.keys()].forEach((name, i) => {
    expect([name, all[i]!.some((value) => value !== 0)]).toEqual([name, true]);
  });
});

/** Starting values of a parameter of a module. */
function initial(spec: ModuleSpec, name: string): Float32Array {
  const found = spec.parameters("").find((parameter) => parameter.name === name);
  if (!found) throw new Error(`no parameter ${name}`);
  return initialValues(found, 3);
}

const deviation = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

test("Mamba-2 starts as the reference implementation does", () => {
  const block = mamba2({ dModel: 64, headDim: 1, nLayers: 8 });
  const A = initial(block, "A_log").map(Math.exp);
  expect(Math.min(...A)).toBeGreaterThanOrEqual(0.999);
  expect(Math.max(...A)).toBeLessThanOrEqual(16.001);
  expect(Math.min(...A)).toBeLessThan(3);
  expect(Math.max(...A)).toBeGreaterThan(13);
  const delta = initial(block, "dt_bias").map((value) => Math.log1p(Math.exp(value)));
  expect(Math.min(...delta)).toBeGreaterThan(0.99e-3);
  expect(Math.max(...delta)).toBeLessThan(0.101);
  expect(initial(block, "D").every((value) => value === 1)).toBe(true);
  expect(initial(block, "norm.weight").every((value) => value === 1)).toBe(true);
  expect(deviation(initial(block, "in_proj.weight"))).toBeCloseTo(0.02, 3);
  expect(deviation(initial(block, "out_proj.weight"))).toBeCloseTo(0.02 / 4, 3);
});

test("adapters reach every linear layer of a hybrid, and merge", async () => {
  using model = MambaLM.init(kernel, config, 5);
  const names = linearNames(model.linears);
  expect(names).toEqual([
    ...["embeddings", "in_proj", "out_proj", "q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"],
    ...["router", "latent_in_proj", "gate_proj", "latent_out_proj", "lm_head"],
  ]);
  using ids = uploadIds(kernel, [someIds(6, 1)]);
  const plain = await take(kernel, model.forward(ids));
  using adapter = LoraAdapter.init(model, { rank: 2, targets: names }, 3);
  expect(adapter.parameters.size).toBe(2 * model.linears.size);
  model.attach(adapter);
  expect(nmse(await take(kernel, model.forward(ids)), plain)).toBeLessThan(close);
  for (const name of model.linears.keys()) {
    const { A, B } = adapter.updateOf(name.replace(/\.weight$/, ""))!;
    const changed = name.includes("embeddings") ? A : B;
    const count = changed.shape.reduce((a, b) => a * b);
    kernel.write(
      changed,
      0,
      Float32Array.from({ length: count }, (_, i) => 0.2 * Math.sin(i)),
    );
    const before = await take(kernel, model.forward(ids));
    kernel.write(
      changed,
      0,
      Float32Array.from({ length: count }, (_, i) => 0.2 * Math.cos(i)),
    );
    const after = await take(kernel, model.forward(ids));
    expect([name, nmse(after, before) > 1e-9]).toEqual([name, true]);
  }
  const attached = await take(kernel, model.forward(ids));
  const up = "backbone.layers.2.ffn.up_proj.weight";
  expect(await mergedWeight(model, up, adapter)).toHaveLength(5 * 7 * 4);
  await mergeAdapter(model, adapter);
  expect(nmse(await take(kernel, model.forward(ids)), attached)).toBeLessThan(close);
});

test("an adapter of experts has gradients", async () => {
  using model = MambaLM.init(kernel, config, 5);
  using adapter = LoraAdapter.init(model, { rank: 2, targets: ["layers.2.ffn.up_proj", "q_proj"] }, 3);
  model.attach(adapter);
  const shapes = [...adapter.parameters].map(([name, { shape }]) => [
    name.split(".").slice(3).join("."),
    shape,
  ]);
  expect(shapes.slice(-2)).toEqual([
    ["ffn.up_proj.lora_A.weight", [5, 2, 4]],
    ["ffn.up_proj.lora_B.weight", [5, 7, 2]],
  ]);
  using ids = uploadIds(kernel, [someIds(6, 1)]);
  const parameters = [...model.trainable.parameters];
  const found = await gradients(
    parameters.map(([, value]) => value),
    (ops) => ops.meanSquaredError(model.run(ops, ids), ops.constant(new Float32Array(6 * 37), [1, 6, 37])),
  );
  parameters.forEach(([name], i) => {
    const isB = name.includes("lora_B"); // A has no gradient while B is zero
    expect([name, found[i]!.some((value) => value !== 0)]).toEqual([name, isB]);
  });
});

test("the balancing loss is 1 in balance, and padding has no part in it", async () => {
  using scope = new Scope();
  const loss = async (
    input: Partial<ExpertsConfigInput>,
    weight: readonly number[],
    x: Tensor,
    context: LayerContext = {},
  ) => {
    using own = new Scope();
    const spec = experts({ ...common, dModel: 2, dHidden: 3, experts: 2, perToken: 1, balance: 3, ...input });
    const parameters = new Map(
      spec.parameters("").map((parameter) => {
        const values =
          parameter.name === "router.weight" ? Float32Array.from(weight) : initialValues(parameter, 1);
        return [parameter.name, own.use(kernel.upload(values, parameter.shape, "f32"))];
      }),
    );
    using ops = new EagerOps(kernel);
    const losses: Tensor[] = [];
    const training = { seed: 1, addLoss: (added: Tensor) => void losses.push(added) };
    spec.build(parameters, "").forward(ops, x, { ...context, training });
    const all = await Promise.all(losses.map(async (added) => (await kernel.read(added))[0]![0]!));
    return all;
  };
  const even = scope.use(kernel.upload(Float32Array.of(1, 0, 0, 1), [1, 2, 2], "f32"));
  const sharp = [100, -100, -100, 100];
  for (const scoring of ["softmax", "topSoftmax", "sigmoid"] as const) {
    expect(
      (
        await loss(
          { scoring },
          sharp.map((value) => value / 10),
          even,
        )
      )[0],
    ).toBeCloseTo(3, 3);
  }
  const uneven = scope.use(kernel.upload(Float32Array.of(1, 0, 1, 0, 0, 1), [1, 3, 2], "f32"));
  const onlyFirst = Sequences.fromMask([[1, 1, 0]]);
  expect((await loss({}, sharp, uneven, { sequences: onlyFirst }))[0]).toBeCloseTo(6, 4); // one expert has all
  expect((await loss({}, sharp, uneven))[0]).toBeCloseTo(3 * 2 * (4 / 9 + 1 / 9), 4);
  expect(await loss({ balance: 0 }, sharp, uneven)).toEqual([]);
  const none = Sequences.fromMask([[0, 0, 0]]);
  expect(await loss({}, sharp, uneven, { sequences: none })).toEqual([]);
});

test("the balancing loss has finite gradients where the scores of all experts are 0", async () => {
  using scope = new Scope();
  const spec = experts({ ...common, ...routed, balance: 1 });
  const weights = new Map(
    spec.parameters("").map((parameter) => {
      const data = initialValues(parameter, 1);
      if (parameter.name === "router.weight") data.fill(-200 / dModel);
      return [parameter.name, scope.use(kernel.upload(data, parameter.shape, "f32"))] as const;
    }),
  );
  const router = weights.get("router.weight")!;
  const x = scope.use(kernel.upload(new Float32Array(3 * dModel).fill(1), [1, 3, dModel], "f32"));
  const [found] = await gradients([router], (ops) => {
    const losses: Tensor[] = [];
    const training = { seed: 1, addLoss: (added: Tensor) => void losses.push(added) };
    spec.build(weights, "").forward(ops, x, { training });
    return losses[0]!;
  });
  expect(found!.every(Number.isFinite)).toBe(true);
});

test("attention over a state refuses packed rows, training and missing positions", () => {
  const spec = attention({ dModel, heads: 2 });
  const parameters = new Map(spec.parameters("").map(({ name, shape }) => [name, tensor([...shape])]));
  const module = spec.build(parameters, "");
  const x = tensor([1, 3, dModel]);
  const state = spec.state.map(({ shape }) => tensor([...shape(1, 5)]));
  const positions = new Positions(1, 3);
  const code = (name: string) => expect.objectContaining({ code: name }) as Error;
  using ops = new EagerOps(kernel);
  expect(() => module.forward(ops, x, { state })).toThrow(code("CACHE"));
  const sequences = Sequences.fromMask([[1, 1, 0]]);
  expect(() => module.forward(ops, x, { state, positions, sequences })).toThrow(code("UNSUPPORTED"));
  using tape = new Tape(kernel, parameters.values());
  expect(() => module.forward(tape, x, { state, positions })).toThrow(code("UNSUPPORTED"));
});
