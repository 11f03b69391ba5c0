import { Scope, type Tensor } from "@mamba/kernel";
import { expect, test, vi } from "vitest";
import {
  attention,
  bidirectionalMamba,
  EagerOps,
  experts,
  initialValues,
  mamba,
  mamba2,
  mamba3,
  mlp,
  type MambaConfigInput,
  MambaLM,
  Sequences,
  Stack,
  stackParameters,
  type StackSpec,
  StackState,
  Tape,
} from "../src/index.ts";
import { close, nmse, small, someIds, take, uploadIds } from "./support.ts";
import { kernel, useTrainingKernel } from "./trainingKernel.ts";

// Sequences packed in the rows of a batch compute what each computes alone: outputs, states and the gradients of all parameters,
// which are the sums of the sequences' own.

useTrainingKernel();

const dModel = 12;
const config: MambaConfigInput = {
  dModel,
  nLayers: 2,
  dState: 4,
  dtRank: 2,
  dConv: 4,
  initializerRange: 0.3,
};
const norm = { eps: 1e-5, gain: true };
const common = { dModel, initializerRange: 0.3, nLayers: 2 };
const heads = { ...common, heads: 4, headDim: 3, dState: 5, groups: 2 };
const causalStacks: readonly [string, StackSpec][] = [
  ["Mamba-2", { dModel, norm, layers: [{ mixer: mamba2(heads), ffn: mlp({ ...common, dHidden: 7 }) }] }],
  ["Mamba-3", { dModel, norm, layers: [{ mixer: mamba3({ ...heads, outNorm: true }) }] }],
];
const rotary = { theta: 100, dim: 4 };
const hybrids: readonly [string, StackSpec][] = [
  [
    "hybrid",
    {
      dModel,
      norm,
      layers: [
        {
          mixer: [mamba2(heads), attention({ ...common, heads: 4, kvHeads: 2, headDim: 5, rotary })],
          ffn: experts({ ...common, dHidden: 7, experts: 5, perToken: 2, shared: { dHidden: 3 } }),
          residualScale: 0.6,
        },
        { mixer: attention({ ...common, heads: 3 }) },
      ],
    },
  ],
];
const stacks: readonly [string, StackSpec][] = [
  ["unidirectional", { dModel, norm, layers: [{ mixer: mamba(config) }, { mixer: mamba(config) }] }],
  [
    "bidirectional",
    {
      dModel,
      norm,
      layers: [
        { mixer: bidirectionalMamba(config) },
        { mixer: bidirectionalMamba(config, { divideOutput: true }) },
      ],
    },
  ],
  ["both in one layer", { dModel, norm, layers: [{ mixer: [mamba(config), bidirectionalMamba(config)] }] }],
  ...causalStacks,
  ...hybrids,
];

/** Three sequences; padding on both sides and within a sequence; sequences of one position; padding alone. */
const layout = [
  [0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2],
  [-1, -1, 3, 3, -1, 3, 3, 3, 4, -1, -1],
  [1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4],
  Array.from({ length: 11 }, () => -1),
];
const sequences = Sequences.fromIds(layout);
const [B, L] = [sequences.batch, sequences.length];

/** The positions in [B · L] of each sequence. */
const places = Array.from({ length: sequences.count }, (_, sequence) =>
  Array.from(sequences.ids).flatMap((id, at) => (id === sequence ? [at] : [])),
);

function parametersOf(spec: StackSpec, scope: Scope): Map<string, Tensor> {
  return new Map(
    stackParameters(spec).map((parameter) => [
      parameter.name,
      scope.use(kernel.upload(initialValues(parameter, 7), parameter.shape, "f32")),
    ]),
  );
}

/** Numbers [B · L, dModel]; padding has NaN. */
function numbers(seed: number): Float32Array {
  return Float32Array.from({ length: B * L * dModel }, (_, i) =>
    sequences.ids[Math.floor(i / dModel)] === -1 ? NaN : Math.sin(1.7 * i + seed),
  );
}

function rowsAt(data: Float32Array, at: readonly number[], width = dModel): Float32Array {
  return Float32Array.from(at.flatMap((i) => Array.from(data.subarray(i * width, (i + 1) * width))));
}

test.each(stacks)("a %s stack: outputs of packed sequences are those of each alone", async (_, spec) => {
  using scope = new Scope();
  const stack = new Stack(spec, parametersOf(spec, scope));
  const data = numbers(1);
  const run = async (values: Float32Array, shape: number[], packed?: Sequences) => {
    using ops = new EagerOps(kernel);
    using x = kernel.upload(values, shape, "f32");
    return await take(kernel, ops.keep(stack.forward(ops, x, { sequences: packed })));
  };
  const y = await run(data, [B, L, dModel], sequences);
  for (const at of places) {
    const alone = await run(rowsAt(data, at), [1, at.length, dModel]);
    expect(nmse(rowsAt(y, at), alone)).toBeLessThan(close);
  }
});

interface Found {
  readonly gradients: ReadonlyMap<string, Float32Array>;
  readonly dx: Float32Array;
}

/** Gradients of a stack for the gradient `dy` of its output. */
async function gradientsOf(
  stack: Stack,
  parameters: ReadonlyMap<string, Tensor>,
  [values, dyValues]: readonly [Float32Array, Float32Array],
  shape: number[],
  recompute: boolean,
  packed?: Sequences,
): Promise<Found> {
  using scope = new Scope();
  const x = scope.use(kernel.upload(values, shape, "f32"));
  const dy = scope.use(kernel.upload(dyValues, shape, "f32"));
  const tape = scope.use(new Tape(kernel, [...parameters.values(), x], { recompute }));
  const found = tape.backward(stack.forward(tape, x, { sequences: packed }), dy);
  const gradients = new Map<string, Float32Array>();
  for (const [name, tensor] of parameters) gradients.set(name, await take(kernel, found.get(tensor)!));
  return { gradients, dx: await take(kernel, found.get(x)!) };
}

const forms = stacks.flatMap(([name, spec]) =>
  [false, true].map((recompute) => [name, recompute, spec] as const),
);

test.each(forms)(
  "a %s stack, recompute %s: gradients are the sums of each alone",
  async (_, recompute, spec) => {
    using scope = new Scope();
    const parameters = parametersOf(spec, scope);
    const stack = new Stack(spec, parameters);
    // Norms and matrix products are over all positions, so padding has finite numbers and its output no gradient.
    const data = numbers(1).map((value) => (Number.isNaN(value) ? 0.5 : value));
    const dy = numbers(2).map((value) => (Number.isNaN(value) ? 0 : value));
    const shape = [B, L, dModel];
    const packed = await gradientsOf(stack, parameters, [data, dy], shape, recompute, sequences);
    const sums = new Map([...packed.gradients].map(([name, own]) => [name, new Float64Array(own.length)]));
    for (const at of places) {
      const own = [rowsAt(data, at), rowsAt(dy, at)] as const;
      const alone = await gradientsOf(stack, parameters, own, [1, at.length, dModel], false);
      expect(nmse(rowsAt(packed.dx, at), alone.dx)).toBeLessThan(close);
      for (const [name, gradient] of alone.gradients)
        gradient.forEach((value, i) => (sums.get(name)![i]! += value));
    }
    for (const [name, sum] of sums) {
      expect([name, nmse(packed.gradients.get(name)!, sum) < close]).toEqual([name, true]);
    }
  },
);

const fromStates = [stacks[0]!, ...causalStacks];
test.each(fromStates)(
  "%s: the first sequence of a row goes on from the state, which is advanced to the end of the last",
  async (_, spec) => {
    using scope = new Scope();
    const stack = new Stack(spec, parametersOf(spec, scope));
    const data = numbers(3);
    const states = (batch: number) => {
      const state = scope.use(StackState.create(kernel, stack.state, batch));
      for (const tensor of state.tensors) {
        const perRow = tensor.shape.slice(1).reduce((a, b) => a * b, 1);
        const values = Float32Array.from({ length: batch * perRow }, (_, i) => Math.cos(i % perRow));
        kernel.write(tensor, 0, values);
      }
      return state;
    };
    const run = async (values: Float32Array, shape: number[], state?: StackState, packed?: Sequences) => {
      using ops = new EagerOps(kernel);
      using x = kernel.upload(values, shape, "f32");
      return await take(kernel, ops.keep(stack.forward(ops, x, { state, sequences: packed })));
    };
    const state = states(B);
    const y = await run(data, [B, L, dModel], state, sequences);
    for (const [row, ids] of layout.entries()) {
      const own = places.filter(([at = 0]) => Math.floor(at / L) === row);
      let after = states(1);
      for (const [index, at] of own.entries()) {
        if (index > 0) after = scope.use(StackState.create(kernel, stack.state, 1));
        const alone = await run(rowsAt(data, at), [1, at.length, dModel], after);
        expect(nmse(rowsAt(y, at), alone)).toBeLessThan(close);
      }
      using found = state.select([row]);
      const expected = await after.read();
      (await found.read()).forEach((values, i) => {
        if (ids.every((id) => id < 0)) expect(values).toEqual(expected[i]);
        else if (expected[i]!.every((value) => value === 0)) expect(values.some(Boolean)).toBe(false);
        else expect(nmse(values, expected[i]!)).toBeLessThan(close);
      });
    }
  },
);

test("a model on packed rows gives the logits of each prompt, and its last logits are those of the last prompt", async () => {
  using model = MambaLM.init(kernel, small, 3);
  const prompts = [someIds(4, 1), someIds(1, 2), someIds(5, 3), someIds(3, 4)] as const;
  const [a, b, c, d] = prompts;
  using ids = uploadIds(kernel, [
    [...a, ...b, ...c],
    [...d, ...someIds(7, 5)],
  ]);
  const packed = Sequences.fromLengths([[4, 1, 5], [3]]);
  const V = model.config.vocabSize;
  const all = await take(kernel, model.forward(ids, { sequences: packed }));
  const last = await take(kernel, model.forward(ids, { sequences: packed, logits: "last" }));
  for (const [sequence, prompt] of prompts.entries()) {
    using alone = uploadIds(kernel, [prompt]);
    const expected = await take(kernel, model.forward(alone, { logits: "last" }));
    const at = packed.lastPositions[sequence]!;
    expect(nmse(rowsAt(all, [at], V), expected)).toBeLessThan(close);
    if (sequence === 2) expect(nmse(rowsAt(last, [0], V), expected)).toBeLessThan(close);
    if (sequence === 3) expect(nmse(rowsAt(last, [1], V), expected)).toBeLessThan(close);
  }
});

test.each([false, true])(
  "a run uploads the numbers of its sequences once for each direction, recompute %s",
  (recompute) => {
    using scope = new Scope();
    const [, spec] = stacks[1]!;
    const parameters = parametersOf(spec, scope);
    const stack = new Stack(spec, parameters);
    const x = scope.use(kernel.zeros([B, L, dModel], "f32"));
    using upload = vi.spyOn(kernel, "upload");
    const uploaded = () => upload.mock.calls.flatMap(([data, , dtype]) => (dtype === "i32" ? [data] : []));
    const eager = scope.use(new EagerOps(kernel));
    stack.forward(eager, x, { sequences });
    expect(uploaded()).toEqual([sequences.ids, sequences.reversed.ids]);
    upload.mockClear();
    const tape = scope.use(new Tape(kernel, parameters.values(), { recompute }));
    const gradients = tape.backward(stack.forward(tape, x, { sequences }), x);
    for (const gradient of gradients.values()) scope.use(gradient);
    expect(uploaded()).toEqual([sequences.ids, sequences.reversed.ids]);
  },
);
