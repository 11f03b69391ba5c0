import { readFileSync } from "node:fs";
import type { OpGolden } from "@mamba/conformance";
import { type GeluApproximation, Scope, type Tensor } from "@mamba/kernel";
import { describe, expect, test } from "vitest";
import { EagerOps, type Ops, Sequences, Tape } from "../src/index.ts";
import { nmse } from "./support.ts";
import { kernel, useTrainingKernel } from "./trainingKernel.ts";

// The small ops and the losses against values and gradients of PyTorch in float64 (tooling/reference/op_goldens.py).

const opGoldens = JSON.parse(
  readFileSync(new URL("../../conformance/goldens/ops.json", import.meta.url), "utf8"),
) as readonly OpGolden[];

/** f32 through one or two ops: seven digits or so. */
const tolerance = 1e-12;

useTrainingKernel();

type Inputs = Readonly<Record<string, Tensor>>;
type Call = (ops: Ops, t: Inputs, options: Readonly<Record<string, unknown>>) => Tensor;

const input = (t: Inputs, name: string): Tensor => {
  const tensor = t[name];
  if (tensor === undefined) throw new Error(`the golden has no ${name}`);
  return tensor;
};
const unary =
  (op: "exp" | "log" | "sqrt" | "tanh" | "sigmoid" | "softmax"): Call =>
  (ops, t) =>
    ops[op](input(t, "x"));
const binary =
  (op: "add" | "sub" | "mul" | "div"): Call =>
  (ops, t) =>
    ops[op](input(t, "a"), input(t, "b"));
const pooling =
  (op: "meanPositions" | "maxPositions"): Call =>
  (ops, t, { ids }) =>
    ops[op](input(t, "x"), ids === undefined ? undefined : Sequences.fromIds(ids as number[][]));
const loss =
  (op: "meanSquaredError" | "huber" | "binaryCrossEntropy" | "quantileLoss"): Call =>
  (ops, t, options) =>
    ops[op](input(t, "x"), input(t, "target"), { weight: t["weight"], ...options } as never);

const calls: Readonly<Record<string, Call>> = {
  ...{ add: binary("add"), sub: binary("sub"), mul: binary("mul"), div: binary("div") },
  ...{ exp: unary("exp"), log: unary("log"), sqrt: unary("sqrt"), tanh: unary("tanh") },
  ...{ sigmoid: unary("sigmoid"), softmax: unary("softmax") },
  gelu: (ops, t, { approximate }) => ops.gelu(input(t, "x"), approximate as GeluApproximation),
  layerNorm: (ops, t, { eps }) =>
    ops.layerNorm(input(t, "x"), { weight: t["weight"], bias: t["bias"], eps: eps as number }),
  dropout: (ops, t, options) => ops.dropout(input(t, "x"), options as { probability: number; seed: number }),
  meanPositions: pooling("meanPositions"),
  maxPositions: pooling("maxPositions"),
  takePositions: (ops, t, { positions }) => ops.takePositions(input(t, "x"), positions as number[]),
  insertPosition: (ops, t, { at }) => ops.insertPosition(input(t, "x"), input(t, "token"), at as number),
  crossEntropy: (ops, t, { targets, ...rest }) => {
    const ids = Int32Array.from(targets as number[]);
    const options = { ...rest, classWeights: t["classWeights"] };
    return ops.crossEntropy(input(t, "logits"), ops.constant(ids, [ids.length]), options);
  },
  meanSquaredError: loss("meanSquaredError"),
  huber: loss("huber"),
  binaryCrossEntropy: loss("binaryCrossEntropy"),
  quantileLoss: loss("quantileLoss"),
};

async function check(golden: OpGolden): Promise<void> {
  const { op, options, inputs, dy, outputs } = golden;
  const call = calls[op];
  if (call === undefined) throw new Error(`no call of ${op}`);
  using scope = new Scope();
  const upload = ({ shape, data }: OpGolden["outputs"][string]) =>
    scope.use(kernel.upload(Float32Array.from(data), shape, "f32"));
  const tensors = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, upload(value)]));
  const wanted = Object.entries(tensors).filter(([name]) => `d_${name}` in outputs);
  using tape = new Tape(
    kernel,
    wanted.map(([, tensor]) => tensor),
  );
  const y = scope.use(tape.keep(call(tape, tensors, options)));
  const gradients = tape.backward(y, dy && upload(dy));
  const found = new Map([["y", y]]);
  for (const [name, tensor] of wanted) {
    const gradient = gradients.get(tensor);
    if (gradient) found.set(`d_${name}`, scope.use(gradient));
  }
  expect([...found.keys()].sort()).toEqual(Object.keys(outputs).sort());
  for (const [name, tensor] of found) {
    const { shape = [], data = [] } = outputs[name] ?? {};
    expect(tensor.shape, `${op}.${name}`).toEqual(shape);
    const [values = []] = await kernel.read(tensor);
    expect(nmse(values, data), `${op}.${name}`).toBeLessThan(tolerance);
  }
  using eager = new EagerOps(kernel);
  expect(await kernel.read(call(eager, tensors, options)), `${op} without a tape`).toEqual(
    await kernel.read(y),
  );
}

describe("values and gradients of PyTorch:", () => {
  for (const op of new Set(opGoldens.map((golden) => golden.op))) {
    test(op, async () => {
      for (const golden of opGoldens.filter((golden) => golden.op === op)) await check(golden);
    });
  }
});
