import { Scope } from "@mamba/kernel";
import { expect, test } from "vitest";
import {
  bidirectionalMamba,
  forecast,
  linearNames,
  LoraAdapter,
  mamba,
  MambaError,
  mergeAdapter,
  resolveSequenceConfig,
  type SequenceConfig,
  type SequenceConfigInput,
  SequenceModel,
  sequenceSpecs,
  Sequences,
  Tape,
} from "../src/index.ts";
import { close, nmse, take } from "./support.ts";
import { kernel, useTrainingKernel } from "./trainingKernel.ts";

useTrainingKernel();

const sizes = { dModel: 12, nLayers: 2, dState: 3, dtRank: 2, dConv: 3, initializerRange: 0.3 } as const;
const C = 3;
const ends = { input: { kind: "values", channels: C }, pooling: "none", outputs: 2 } as const;
const poolings = ["none", "last", "mean", "max"] as const;

/** Three sequences; padding on both sides, within a sequence and alone. */
const layout = [
  [0, 0, 0, 0, 1, 1, 2, 2, 2],
  [-1, 3, 3, -1, 3, 3, 4, -1, -1],
  Array.from({ length: 9 }, () => -1),
];
const packed = Sequences.fromIds(layout);
const [B, L] = [packed.batch, packed.length];
const places = Array.from({ length: packed.count }, (_, sequence) =>
  Array.from(packed.ids).flatMap((id, at) => (id === sequence ? [at] : [])),
);

/** Numbers [B · L, C]; at padding all are `padding`. */
function numbers(padding: number): Float32Array {
  return Float32Array.from({ length: B * L * C }, (_, i) =>
    packed.ids[Math.floor(i / C)] === -1 ? padding : Math.sin(1.7 * i),
  );
}

function rowsAt(data: Float32Array, at: readonly number[], width: number): Float32Array {
  return Float32Array.from(at.flatMap((i) => [...data.subarray(i * width, (i + 1) * width)]));
}

/** Result rows and the gradients of all parameters when `dy` flows into the result. */
async function differentiated(
  model: SequenceModel,
  values: Float32Array,
  shape: readonly number[],
  sequences: Sequences | undefined,
  dy: (rows: number) => Float32Array,
): Promise<{ y: Float32Array; gradients: Map<string, Float32Array> }> {
  using scope = new Scope();
  const x = scope.use(kernel.upload(values, shape, "f32"));
  const tape = scope.use(new Tape(kernel, model.parameters.values()));
  const y = model.run(tape, x, { sequences });
  const data = (await kernel.read(y))[0] as Float32Array;
  const found = tape.backward(y, scope.use(kernel.upload(dy(data.length / 2), y.shape, "f32")));
  const gradients = new Map<string, Float32Array>();
  for (const [name, tensor] of model.parameters) {
    const gradient = found.get(tensor);
    if (gradient) gradients.set(name, await take(kernel, gradient));
  }
  return { y: data, gradients };
}

const unusedByLast = `backbone.layers.${sizes.nLayers - 1}.mixer.A_b_log`;

const forms = poolings.flatMap((pooling) =>
  (["causal", "bidirectional"] as const).map((direction) => ({ pooling, direction })),
);

test.each(forms)("$direction, pooling $pooling: packed is each alone, with gradients", async (form) => {
  using model = SequenceModel.init(kernel, { ...sizes, ...ends, ...form }, 3);
  const perPosition = form.pooling === "none";
  const flowing = (row: number, j: number) => Math.cos(3 * row + j);
  const whole = await differentiated(model, numbers(0.5), [B, L, C], packed, (rows) =>
    Float32Array.from({ length: rows * 2 }, (_, i) =>
      perPosition && packed.ids[i >> 1] === -1 ? 0 : flowing(i >> 1, i & 1),
    ),
  );
  const other = await differentiated(
    model,
    numbers(-7),
    [B, L, C],
    packed,
    (rows) => new Float32Array(rows * 2),
  );
  const sums = new Map<string, Float64Array>();
  for (const [sequence, at] of places.entries()) {
    const resultRows = perPosition ? at : [sequence];
    const alone = await differentiated(
      model,
      rowsAt(numbers(0), at, C),
      [1, at.length, C],
      undefined,
      (rows) => Float32Array.from({ length: rows * 2 }, (_, i) => flowing(resultRows[i >> 1]!, i & 1)),
    );
    expect(nmse(rowsAt(whole.y, resultRows, 2), alone.y)).toBeLessThan(close);
    // The numbers at padding have no effect, down to the last bit.
    expect(rowsAt(other.y, resultRows, 2)).toEqual(rowsAt(whole.y, resultRows, 2));
    expect([...alone.gradients.keys()]).toEqual([...model.parameters.keys()]);
    for (const [name, gradient] of alone.gradients) {
      const sum = sums.get(name) ?? new Float64Array(gradient.length);
      gradient.forEach((value, i) => (sum[i]! += value));
      sums.set(name, sum);
    }
  }
  for (const [name, sum] of sums) {
    const found = whole.gradients.get(name)!;
    // The backward direction of the last layer starts at the last position, from which no A has been applied yet.
    const isUnused = sum.every((value) => value === 0);
    expect([name, isUnused]).toEqual([name, form.pooling === "last" && name === unusedByLast]);
    expect([name, isUnused ? found.every((value) => value === 0) : nmse(found, sum) < close]).toEqual([
      name,
      true,
    ]);
  }
});

test("a causal model: in chunks with a state and in steps it is the whole", async () => {
  using model = SequenceModel.init(kernel, { ...sizes, ...ends }, 4);
  const [rows, length, cut] = [2, 7, 3];
  const data = Float32Array.from({ length: rows * length * C }, (_, i) => Math.sin(0.9 * i));
  const part = (from: number, to: number) =>
    Float32Array.from(
      [0, 1].flatMap((row) => [...data.subarray((row * length + from) * C, (row * length + to) * C)]),
    );
  const upload = (from: number, to: number) => kernel.upload(part(from, to), [rows, to - from, C], "f32");
  using x = upload(0, length);
  const whole = await take(kernel, model.forward(x));
  const at = (row: number, from: number, to: number) =>
    whole.subarray((row * length + from) * 2, (row * length + to) * 2);

  using state = model.createState(rows);
  for (const [from, to] of [
    [0, cut],
    [cut, length],
  ] as const) {
    using chunk = upload(from, to);
    const y = await take(kernel, model.forward(chunk, { state }));
    for (const row of [0, 1]) {
      const own = y.subarray(row * (to - from) * 2, (row + 1) * (to - from) * 2);
      expect(nmse(own, at(row, from, to))).toBeLessThan(close);
    }
  }
  using stepped = model.createState(rows);
  for (let l = 0; l < length; l++) {
    using token = kernel.upload(part(l, l + 1), [rows, C], "f32");
    const y = await take(kernel, model.step(token, stepped));
    for (const row of [0, 1])
      expect(nmse(y.subarray(row * 2, row * 2 + 2), at(row, l, l + 1))).toBeLessThan(close);
  }
});

test("a causal model of tokens with pooling last: the state carries what a chunk does not have", async () => {
  const config = { ...sizes, ...ends, input: { kind: "tokens", vocabSize: 9 }, pooling: "last" } as const;
  using model = SequenceModel.init(kernel, config, 5);
  const ids = (values: number[], shape: number[]) => kernel.upload(Int32Array.from(values), shape, "i32");
  using all = ids([1, 5, 2, 8, 0, 3], [1, 6]);
  const whole = await take(kernel, model.forward(all));
  using state = model.createState(1);
  using head = ids([1, 5, 2, 8, 0], [1, 5]);
  model.forward(head, { state }).dispose();
  using last = ids([3], [1]);
  expect(nmse(await take(kernel, model.step(last, state)), whole)).toBeLessThan(close);
});

test.each([
  [{ direction: "bidirectional" }, "a sequence model that is bidirectional has no state"],
  [{ pooling: "mean" }, 'a sequence model that pools with "mean" has no state'],
  [{ pooling: "max" }, 'a sequence model that pools with "max" has no state'],
] as const)("a model that needs the whole input refuses a state: %o", (change, message) => {
  using causal = SequenceModel.init(kernel, { ...sizes, ...ends });
  using state = causal.createState(1);
  using model = SequenceModel.init(kernel, { ...sizes, ...ends, ...change });
  using x = kernel.zeros([1, 4, C], "f32");
  using step = kernel.zeros([1, C], "f32");
  const refusal = expect.objectContaining({
    code: "NO_STEP",
    message: expect.stringContaining(message) as string,
  }) as Error;
  expect(() => model.createState(1)).toThrow(refusal);
  expect(() => model.forward(x, { state })).toThrow(refusal);
  expect(() => model.step(step, state)).toThrow(refusal);
});

test("inputs of another kind, rank or width are refused", () => {
  using values = SequenceModel.init(kernel, { ...sizes, ...ends });
  using tokens = SequenceModel.init(kernel, { ...sizes, ...ends, input: { kind: "tokens", vocabSize: 5 } });
  using x = kernel.zeros([1, 4, C + 1], "f32");
  using flat = kernel.zeros([4, C], "f32");
  using ids = kernel.upload(Int32Array.of(1, 2), [1, 2], "i32");
  expect(() => values.forward(x)).toThrow("expected numbers f32 [B, L, 3], got f32 [1, 4, 4]");
  expect(() => values.forward(flat)).toThrow("expected numbers f32 [B, L, 3], got f32 [4, 3]");
  expect(() => values.forward(ids)).toThrow("expected numbers f32 [B, L, 3], got i32 [1, 2]");
  expect(() => tokens.forward(x)).toThrow("expected ids i32 [B, L], got f32 [1, 4, 4]");
  expect(() => tokens.forward(ids, { sequence: 1 } as object)).toThrow("did you mean sequences?");
  expect(() => tokens.forward(ids, { sequences: packed })).toThrow(MambaError);
});

test("parameters have the field's names and rules", () => {
  const config = resolveSequenceConfig({ ...sizes, ...ends, direction: "bidirectional", nLayers: 1 });
  const specs = sequenceSpecs(config);
  expect(specs.map(({ name }) => name)).toEqual([
    ...["input_proj.weight", "input_proj.bias", "backbone.layers.0.norm.weight"],
    ...["in_proj.weight", "conv1d.weight", "conv1d.bias", "x_proj.weight", "dt_proj.weight", "dt_proj.bias"]
      .concat("A_log", "D", "out_proj.weight", "conv1d_b.weight", "conv1d_b.bias", "x_proj_b.weight")
      .concat("dt_proj_b.weight", "dt_proj_b.bias", "A_b_log", "D_b")
      .map((name) => `backbone.layers.0.mixer.${name}`),
    ...["backbone.norm_f.weight", "head.weight", "head.bias"],
  ]);
  const decayed = specs.filter(({ weightDecay }) => weightDecay).map(({ name }) => name.split(".").at(-2));
  expect(decayed.sort()).toEqual(
    [
      "conv1d",
      "conv1d_b",
      "dt_proj",
      "dt_proj_b",
      "head",
      "in_proj",
      "input_proj",
      "out_proj",
      "x_proj",
    ].concat("x_proj_b"),
  );
  // The backward direction starts as the forward one does.
  const init = (name: string) => specs.find((spec) => spec.name.endsWith(name))?.init;
  expect(init("dt_proj_b.bias")).toEqual(init("dt_proj.bias"));
  expect(init("A_b_log")).toEqual({ kind: "aLog" });
});

const valid: SequenceConfigInput = { ...sizes, ...ends };
const stack = {
  dModel: 12,
  norm: { eps: 1e-5, gain: true },
  layers: [{ mixer: [mamba(sizes), bidirectionalMamba(sizes)] }, { mixer: mamba(sizes) }],
};
test.each<[object, string]>([
  [{ poolings: "mean" }, 'there is no field "poolings"; did you mean pooling?'],
  [{ dSatte: 3 }, 'there is no field "dSatte"; did you mean dState?'],
  [{ vocabSize: 3 }, 'there is no field "vocabSize"'],
  [{ pooling: "sum" }, 'config field pooling must be "none", "last", "mean" or "max", got "sum"'],
  [{ pooling: undefined }, "config field pooling must be"],
  [{ direction: "both" }, 'config field direction must be "causal" or "bidirectional", got "both"'],
  [{ outputs: 0 }, "config field outputs must be a whole number from 1 to 16777216, got 0"],
  [{ dropout: 1 }, "config field dropout must be a number in [0, 1), got 1"],
  [{ divideOutput: 1 }, "config field divideOutput must be true or false, got 1"],
  [{ input: "values" }, 'config field input must be { kind: "values", … } or { kind: "tokens", … }'],
  [{ input: undefined }, "config field input must be"],
  [{ input: { kind: "values" } }, "config field input.channels must be a whole number"],
  [{ input: { kind: "tokens", channels: 3 } }, 'there is no field "channels"'],
  [{ dModel: "12" }, "config field dModel must be a whole number"],
  [{ stack }, "config field dModel must be left out beside stack, which has layers of its own, got 12"],
  [{ stack, dModel: undefined }, "config field nLayers must be left out beside stack"],
])("a config with %o is refused", (change, message) => {
  const config = { ...valid, ...change } as SequenceConfigInput;
  expect(() => resolveSequenceConfig(config)).toThrow(
    expect.objectContaining({ code: "CONFIG", message: expect.stringContaining(message) as string }) as Error,
  );
});

test("a resolved config resolves to itself, and survives JSON", () => {
  const config = resolveSequenceConfig({ ...valid, dropout: 0.1 });
  expect(resolveSequenceConfig(config)).toEqual(config);
  expect(resolveSequenceConfig(JSON.parse(JSON.stringify(config)) as SequenceConfig)).toEqual(config);
});

test("a model with a stack of one's own", async () => {
  using model = SequenceModel.init(kernel, { ...ends, stack, pooling: "max", initializerRange: 0.3 });
  expect(model.config).toMatchObject({ dModel: 12, nLayers: 2, initializerRange: 0.3 });
  using x = kernel.upload(numbers(0), [B, L, C], "f32");
  const y = await take(kernel, model.forward(x));
  expect(y).toHaveLength(B * 2);
  expect(y.every(Number.isFinite)).toBe(true);
  const divided = { ...ends, stack, divideOutput: false };
  expect(() => resolveSequenceConfig(divided as SequenceConfigInput)).toThrow(
    "divideOutput must be left out",
  );
  using stepping = SequenceModel.init(kernel, { ...ends, stack });
  using state = stepping.createState(B);
  expect(() => stepping.forward(x, { state })).toThrow(MambaError);
});

test("dropout works in training alone, by the seed of the step, with recomputation as without", async () => {
  using model = SequenceModel.init(kernel, { ...sizes, ...ends, dropout: 0.4 }, 6);
  using plain = SequenceModel.init(kernel, { ...sizes, ...ends }, 6);
  using x = kernel.upload(numbers(0), [B, L, C], "f32");
  const loss = async (seed: number | undefined, recompute = false) => {
    using tape = new Tape(kernel, model.parameters.values(), { recompute });
    const y = tape.keep(model.run(tape, x, { training: seed === undefined ? undefined : { seed } }));
    const gradients = [...tape.backward(y, x2).values()];
    const sum = await take(kernel, gradients[0]!);
    for (const gradient of gradients) gradient.dispose();
    return [...(await take(kernel, y)), ...sum];
  };
  using x2 = kernel.upload(new Float32Array(B * L * 2).fill(1), [B, L, 2], "f32");
  const one = await loss(1);
  expect(await loss(1)).toEqual(one);
  expect(await loss(1, true)).toEqual(one);
  expect(await loss(2)).not.toEqual(one);
  const off = await take(kernel, model.forward(x));
  expect(off).toEqual(await take(kernel, plain.forward(x)));
  expect((await loss(undefined)).slice(0, off.length)).toEqual([...off]);
});

test("adapters reach every linear layer, and merge", async () => {
  using model = SequenceModel.init(kernel, { ...sizes, ...ends, direction: "bidirectional" }, 7);
  using x = kernel.upload(numbers(0), [B, L, C], "f32");
  expect(linearNames(model.linears)).toEqual([
    ...["input_proj", "in_proj", "x_proj", "dt_proj", "out_proj", "x_proj_b", "dt_proj_b", "head"],
  ]);
  const before = await take(kernel, model.forward(x));
  using adapter = LoraAdapter.init(model, { rank: 2, targets: linearNames(model.linears) }, 1);
  for (const [name, tensor] of adapter.parameters)
    if (name.endsWith("lora_B.weight"))
      kernel.write(tensor, 0, new Float32Array(tensor.shape[0]! * 2).fill(0.1));
  model.attach(adapter);
  expect(model.trainable.parameters).toBe(adapter.parameters);
  const attached = await take(kernel, model.forward(x));
  expect(nmse(attached, before)).toBeGreaterThan(1e-3);
  await mergeAdapter(model, adapter);
  expect(model.adapter).toBeUndefined();
  expect(nmse(await take(kernel, model.forward(x)), attached)).toBeLessThan(close);
  expect(() => model.attach(adapter)).toThrow("already merged");
});

/** The forecast by its definition: the whole series again for each step. */
async function slowForecast(
  model: SequenceModel,
  history: Float32Array,
  steps: number,
  next: (row: Float32Array) => number[],
): Promise<Float32Array> {
  const series = [...history];
  const rows: number[] = [];
  for (let step = 0; step < steps; step++) {
    using x = kernel.upload(Float32Array.from(series), [1, series.length / C, C], "f32");
    const y = await take(kernel, model.forward(x));
    const last = y.subarray(-model.outputs);
    rows.push(...last);
    series.push(...next(last));
  }
  return Float32Array.from(rows);
}

test("a forecast steps on its own output", async () => {
  using model = SequenceModel.init(kernel, { ...sizes, ...ends, outputs: C }, 8);
  const history = Float32Array.from({ length: 5 * C }, (_, i) => Math.sin(i));
  const found = await forecast(model, history, 6);
  expect(nmse(found, await slowForecast(model, history, 6, (row) => [...row]))).toBeLessThan(close);

  const levels = [0.1, 0.5, 0.9];
  using quantiles = SequenceModel.init(kernel, { ...sizes, ...ends, outputs: C * 3 }, 9);
  const three = await forecast(quantiles, history, 4, { levels });
  const medians = (row: Float32Array) => [row[1]!, row[4]!, row[7]!];
  expect(nmse(three, await slowForecast(quantiles, history, 4, medians))).toBeLessThan(close);
});

test.each<[string, Partial<SequenceConfigInput>, number[], number, string]>([
  ["outputs", {}, [1, 2, 3], 1, "one output for each channel, got causal, 3 channels"],
  ["direction", { outputs: C, direction: "bidirectional" }, [1, 2, 3], 1, "got bidirectional"],
  ["a ragged history", { outputs: C }, [1, 2, 3, 4], 1, "history must have a multiple of 3 numbers"],
  ["no history", { outputs: C }, [], 1, "history must have a multiple of 3 numbers, the channels, got 0"],
  ["NaN", { outputs: C }, [1, 2, 3, 4, NaN, 6], 1, "history must be finite numbers, got NaN at position 1"],
  ["no steps", { outputs: C }, [1, 2, 3], 0, "steps must be a whole number >= 1, got 0"],
])("a forecast refuses %s", async (_, change, history, steps, message) => {
  using model = SequenceModel.init(kernel, { ...sizes, ...ends, ...change });
  await expect(forecast(model, Float32Array.from(history), steps)).rejects.toThrow(message);
});

test("a forecast can be stopped, and frees what it holds", async () => {
  using model = SequenceModel.init(kernel, { ...sizes, ...ends, outputs: C });
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("enough")));
  const running = forecast(model, new Float32Array(C), 1e7, { signal: stop.signal });
  await expect(running).rejects.toThrow("enough");
});
