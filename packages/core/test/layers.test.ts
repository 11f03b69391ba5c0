import { Scope, type Tensor } from "@mamba/kernel";
import { expect, test } from "vitest";
import {
  bidirectionalMamba,
  EagerOps,
  hiddenMatrix,
  initialValues,
  type LayerSpec,
  Linear,
  linearNames,
  LoraAdapter,
  mamba,
  type Module,
  type ModuleSpec,
  type Ops,
  parameter,
  type Parameters,
  Stack,
  stackParameters,
  type StackSpec,
  StackState,
  Tape,
} from "../src/index.ts";
import { close, nmse, take } from "./support.ts";
import { kernel, useTrainingKernel } from "./trainingKernel.ts";

const dModel = 12;

/** An MLP with one hidden layer, as somebody would add it: a function that returns a spec, and a class. */
function mlp(hidden: number, balance = 0): ModuleSpec {
  return {
    kind: "mlp",
    config: { hidden, balance },
    parameters: (prefix) => [
      hiddenMatrix(`${prefix}up.weight`, [hidden, dModel], { kind: "normal", std: 0.3 }),
      hiddenMatrix(`${prefix}down.weight`, [dModel, hidden], { kind: "normal", std: 0.3 }),
    ],
    state: [],
    build: (parameters, prefix) => new Mlp(parameters, prefix, balance),
  };
}

class Mlp implements Module {
  readonly linears: ReadonlyMap<string, Linear>;
  readonly #up: Linear;
  readonly #down: Linear;
  /** Weight of a loss of its own: the mean square of its output. */
  readonly #balance: number;

  constructor(parameters: Parameters, prefix: string, balance: number) {
    this.#up = new Linear(parameter(parameters, `${prefix}up.weight`));
    this.#down = new Linear(parameter(parameters, `${prefix}down.weight`));
    this.#balance = balance;
    this.linears = new Map([
      [`${prefix}up.weight`, this.#up],
      [`${prefix}down.weight`, this.#down],
    ]);
  }

  forward(
    ops: Ops,
    x: Tensor,
    { training }: { training?: { addLoss(loss: Tensor): void } | undefined },
  ): Tensor {
    const y = this.#down.forward(ops, ops.silu(this.#up.forward(ops, x)));
    if (training && this.#balance > 0) {
      training.addLoss(ops.scale(ops.meanSquaredError(y, ops.scale(y, 0)), this.#balance));
    }
    return y;
  }
}

const block = (dState: number) => mamba({ dModel, nLayers: 4, dState, dtRank: 2, initializerRange: 0.3 });
const stackOf = (layers: readonly LayerSpec[]): StackSpec => ({
  dModel,
  norm: { eps: 1e-5, gain: true },
  layers,
});

/** A Mamba block with an MLP; two blocks in parallel; an MLP alone; a block alone. */
const hybrid = stackOf([
  { mixer: block(4), ffn: mlp(20) },
  { mixer: [block(3), block(5)], residualScale: 0.5 },
  { ffn: mlp(8) },
  { mixer: block(4) },
]);

useTrainingKernel();

function parametersOf(spec: StackSpec, scope: Scope): Map<string, Tensor> {
  return new Map(
    stackParameters(spec).map((parameter) => [
      parameter.name,
      scope.use(kernel.upload(initialValues(parameter, 7), parameter.shape, "f32")),
    ]),
  );
}

function input(scope: Scope, batch: number, length: number, start = 0): Tensor {
  const data = Float32Array.from({ length: batch * length * dModel }, (_, i) => {
    const [row, at] = [Math.floor(i / (length * dModel)), i % (length * dModel)];
    return Math.sin(1.7 * (row + 1) * (start * dModel + at) + row);
  });
  return scope.use(kernel.upload(data, [batch, length, dModel], "f32"));
}

async function forward(stack: Stack, x: Tensor, state?: StackState): Promise<Float32Array> {
  using ops = new EagerOps(kernel);
  return await take(kernel, ops.keep(stack.forward(ops, x, { state })));
}

test("parameters and states of a hybrid derive from its specs", () => {
  const names = stackParameters(hybrid, "backbone.").map(({ name }) => name);
  expect(names.filter((name) => /norm|in_proj|up|A_log/.test(name))).toEqual([
    "backbone.layers.0.norm.weight",
    "backbone.layers.0.mixer.in_proj.weight",
    "backbone.layers.0.mixer.A_log",
    "backbone.layers.0.ffn_norm.weight",
    "backbone.layers.0.ffn.up.weight",
    "backbone.layers.1.norm.weight",
    "backbone.layers.1.mixers.0.in_proj.weight",
    "backbone.layers.1.mixers.0.A_log",
    "backbone.layers.1.mixers.1.in_proj.weight",
    "backbone.layers.1.mixers.1.A_log",
    "backbone.layers.2.ffn_norm.weight",
    "backbone.layers.2.ffn.up.weight",
    "backbone.layers.3.norm.weight",
    "backbone.layers.3.mixer.in_proj.weight",
    "backbone.layers.3.mixer.A_log",
    "backbone.norm_f.weight",
  ]);
  using scope = new Scope();
  const stack = new Stack(hybrid, parametersOf(hybrid, scope));
  expect(stack.state.map(({ name, shape }) => `${name} ${shape(2, 0).join("x")}`)).toEqual([
    "layers.0.mixer.scanState 2x24x4",
    "layers.0.mixer.convInputs 2x24x3",
    "layers.1.mixers.0.scanState 2x24x3",
    "layers.1.mixers.0.convInputs 2x24x3",
    "layers.1.mixers.1.scanState 2x24x5",
    "layers.1.mixers.1.convInputs 2x24x3",
    "layers.3.mixer.scanState 2x24x4",
    "layers.3.mixer.convInputs 2x24x3",
  ]);
});

test("a hybrid: forward(L) = forward(k) then forward(L - k) = L x step, and the input stays the caller's", async () => {
  using scope = new Scope();
  const stack = new Stack(hybrid, parametersOf(hybrid, scope));
  const [B, L, k] = [2, 9, 4];
  const x = input(scope, B, L);
  const whole = await forward(stack, x);
  expect(x.disposed).toBe(false);
  const at = (data: Float32Array, length: number, row: number, position: number) =>
    data.subarray((row * length + position) * dModel, (row * length + position + 1) * dModel);

  const state = scope.use(StackState.create(kernel, stack.state, B));
  const head = await forward(stack, input(scope, B, k), state);
  const tail = await forward(stack, input(scope, B, L - k, k), state);
  const stepped = scope.use(StackState.create(kernel, stack.state, B));
  for (let position = 0; position < L; position++) {
    using ops = new EagerOps(kernel);
    const token = ops.reshape(input(scope, B, 1, position), [B, dModel]);
    const y = await take(kernel, ops.keep(stack.step(ops, token, stepped)));
    for (const row of [0, 1]) {
      const expected = at(whole, L, row, position);
      const chunked = position < k ? at(head, k, row, position) : at(tail, L - k, row, position - k);
      expect(nmse(chunked, expected)).toBeLessThan(close);
      expect(nmse(at(y, 1, row, 0), expected)).toBeLessThan(close);
    }
  }
  const [one, two] = await Promise.all([state.read(), stepped.read()]);
  one.forEach((data, i) => expect(nmse(data, two[i]!)).toBeLessThan(close));
});

test("parallel mixers see the same normed input, and their outputs are added", async () => {
  using scope = new Scope();
  const [a, b] = [block(3), block(5)];
  const spec = stackOf([{ mixer: [a, b], residualScale: 0.5 }]);
  const parameters = parametersOf(spec, scope);
  const x = input(scope, 1, 6);
  const found = await forward(new Stack(spec, parameters), x);
  const ops = scope.use(new EagerOps(kernel));
  const normed = ops.rmsNorm(x, parameters.get("layers.0.norm.weight"), 1e-5);
  const outputs = [a.build(parameters, "layers.0.mixers.0."), b.build(parameters, "layers.0.mixers.1.")].map(
    (module) => module.forward(ops, normed),
  );
  const sum = ops.add(x, ops.scale(ops.add(outputs[0]!, outputs[1]!), 0.5));
  const expected = ops.rmsNorm(sum, parameters.get("norm_f.weight"), 1e-5);
  expect(found).toEqual((await kernel.read(expected))[0]);
});

test("a stack with a bidirectional block has no state to go on from", async () => {
  using scope = new Scope();
  const spec = stackOf([{ mixer: block(4) }, { mixer: bidirectionalMamba({ dModel, nLayers: 2 }) }]);
  const stack = new Stack(spec, parametersOf(spec, scope));
  expect(await forward(stack, input(scope, 1, 5))).toHaveLength(5 * dModel);
  const state = scope.use(StackState.create(kernel, stack.state, 1));
  await expect(forward(stack, input(scope, 1, 5), state)).rejects.toThrow(
    expect.objectContaining({ code: "NO_STEP" }),
  );
  expect(linearNames(stack.linears)).toEqual([
    ...["in_proj", "x_proj", "dt_proj", "out_proj"],
    ...["x_proj_b", "dt_proj_b"],
  ]);
});

test("adapters reach every linear layer, of any module and both directions", async () => {
  using scope = new Scope();
  const spec = stackOf([
    { mixer: bidirectionalMamba({ dModel, nLayers: 1, initializerRange: 0.5 }), ffn: mlp(8) },
  ]);
  const stack = new Stack(spec, parametersOf(spec, scope));
  const x = input(scope, 1, 5);
  const plain = await forward(stack, x);
  for (const target of linearNames(stack.linears)) {
    using adapter = LoraAdapter.init({ kernel, linears: stack.linears }, { rank: 2, targets: [target] });
    const names = [...adapter.parameters.keys()];
    expect(names).toHaveLength(2);
    const B = adapter.parameters.get(names[1]!)!;
    kernel.write(B, 0, new Float32Array(B.shape[0]! * 2).fill(0.5));
    for (const [name, linear] of stack.linears)
      linear.update = adapter.updateOf(name.replace(/\.weight$/, ""));
    expect([target, nmse(await forward(stack, x), plain) > 1e-9]).toEqual([target, true]);
  }
  expect(() =>
    LoraAdapter.init({ kernel, linears: stack.linears }, { rank: 2, targets: ["lm_head"] }),
  ).toThrow(
    "targets must be some of in_proj, x_proj, dt_proj, out_proj, x_proj_b, dt_proj_b, up, down, each once",
  );
});

test("losses of layers join that of the model, with recomputation as without", async () => {
  const gradients = async (balance: number, recompute: boolean, addedLossWeight = 1) => {
    using scope = new Scope();
    const spec = stackOf([{ mixer: block(4), ffn: mlp(8, balance) }, { ffn: mlp(8, 2 * balance) }]);
    const parameters = parametersOf(spec, scope);
    const stack = new Stack(spec, parameters);
    const tape = scope.use(new Tape(kernel, parameters.values(), { recompute, addedLossWeight }));
    const y = stack.forward(tape, input(scope, 2, 5), { training: { seed: 1 } });
    const found = tape.backward(tape.meanSquaredError(y, input(scope, 2, 5, 3)), 0.75);
    expect(found.size).toBe(parameters.size);
    return await Promise.all([...parameters.values()].map((tensor) => take(kernel, found.get(tensor)!)));
  };
  const plain = await gradients(0, false);
  const balanced = await gradients(3, false);
  expect(await gradients(3, true)).toEqual(balanced);
  // A tape with a fraction of a step weighs them by it.
  for (const recompute of [false, true]) {
    const half = await gradients(6, recompute, 0.5);
    half.forEach((gradient, i) => expect(nmse(gradient, balanced[i]!)).toBeLessThan(close));
  }
  const up = [...stackParameters(stackOf([{ mixer: block(4), ffn: mlp(8) }]))].findIndex(({ name }) =>
    name.endsWith("ffn.up.weight"),
  );
  expect(nmse(balanced[up]!, plain[up]!)).toBeGreaterThan(1e-3);
});
