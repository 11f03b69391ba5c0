import { loadGolden } from "@mamba/conformance";
import { canTrain, Scope, type Kernel, type Tensor, type TrainingKernel } from "@mamba/kernel";
import { createCpuKernel } from "@mamba/kernel-cpu";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  BidirectionalMambaBlock,
  bidirectionalParameters,
  EagerOps,
  type MambaConfig,
  MambaBlock,
  mambaParameters,
  type Ops,
  type ParameterSpec,
  resolveConfig,
  Tape,
} from "../src/index.ts";
import { nmse } from "./support.ts";

// Blocks against PyTorch in float64 (tooling/reference/make_goldens.py): f32 through about ten ops.
const tolerance = 1e-10;

let kernel: TrainingKernel;
beforeAll(async () => {
  const cpu: Kernel = await createCpuKernel({ threads: 1 });
  if (!canTrain(cpu)) throw new Error("the CPU kernel must be able to train");
  kernel = cpu;
});
afterAll(async () => {
  expect(kernel.memory()).toEqual({ tensors: 0, bytes: 0 });
  await kernel.dispose();
});

type Golden = ReturnType<typeof loadGolden>;

function configOf({ meta }: Golden): MambaConfig {
  const { innerNorms, innerNormsEps, ...sizes } = meta as unknown as Omit<
    Partial<MambaConfig>,
    "innerNorms"
  > & {
    dModel: number;
    innerNorms?: string;
    innerNormsEps?: number;
  };
  const norms = { none: "none", jamba: "weighted", falcon: "unweighted" } as const;
  const name = (innerNorms ?? "none") as keyof typeof norms;
  return resolveConfig({ ...sizes, nLayers: 1, innerNorms: norms[name], innerNormEps: innerNormsEps });
}

function values({ tensors }: Golden, name: string): Float32Array {
  const tensor = tensors[name];
  if (!tensor) throw new Error(`the golden has no ${name}`);
  return tensor.data;
}

function parametersOf(golden: Golden, specs: readonly ParameterSpec[], scope: Scope): Map<string, Tensor> {
  return new Map(
    specs.map(({ name, shape }) => [name, scope.use(kernel.upload(values(golden, name), shape, "f32"))]),
  );
}

async function read(x: Tensor): Promise<Float32Array> {
  const [data] = await kernel.read(x);
  return data as Float32Array;
}

test.each(["block", "block-bias", "block-jamba", "block-falcon"] as const)("%s", async (name) => {
  const golden = loadGolden(name);
  const config = configOf(golden);
  using scope = new Scope();
  const block = new MambaBlock(config, parametersOf(golden, mambaParameters(config), scope));
  const { dModel: D, dInner, dState, dConv } = config;
  const [B = 0, L = 0] = golden.tensors["x"]?.shape ?? [];
  const x = scope.use(kernel.upload(values(golden, "x"), [B, L, D], "f32"));
  const newState = () => [
    scope.use(kernel.zeros([B, dInner, dState], "f32")),
    scope.use(kernel.zeros([B, dInner, dConv - 1], "f32")),
  ];
  const checkState = async ([scanState, convInputs]: Tensor[]) => {
    expect(nmse(await read(scanState!), values(golden, "state"))).toBeLessThan(tolerance);
    expect(nmse(await read(convInputs!), values(golden, "convInputs"))).toBeLessThan(tolerance);
  };

  const ops = scope.use(new EagerOps(kernel));
  const state = newState();
  expect(nmse(await read(block.forward(ops, x)), values(golden, "y"))).toBeLessThan(tolerance);
  expect(nmse(await read(block.forward(ops, x, { state })), values(golden, "y"))).toBeLessThan(tolerance);
  await checkState(state);

  const stepped = newState();
  for (let l = 0; l < L; l++) {
    const rows = Array.from({ length: B }, (_, b) => b * L + l);
    const token = ops.gatherRows(ops.reshape(x, [B * L, D]), rows); // [B, D]
    const expected = rows.flatMap((row) => Array.from(values(golden, "y").subarray(row * D, (row + 1) * D)));
    expect(nmse(await read(block.step(ops, token, stepped)), expected)).toBeLessThan(tolerance);
  }
  await checkState(stepped);
});

test.each(["bidirectional", "bidirectional-divided"] as const)("%s", async (name) => {
  const golden = loadGolden(name);
  const config = configOf(golden);
  const { divideOutput } = golden.meta as unknown as { divideOutput: boolean };
  using scope = new Scope();
  const parameters = parametersOf(golden, bidirectionalParameters(config), scope);
  const block = new BidirectionalMambaBlock(config, parameters, "", { divideOutput });
  const ops = scope.use(new EagerOps(kernel));
  const x = scope.use(kernel.upload(values(golden, "x"), golden.tensors["x"]?.shape ?? [], "f32"));
  expect(nmse(await read(block.forward(ops, x)), values(golden, "y"))).toBeLessThan(tolerance);
});

async function checkGradients(
  golden: Golden,
  parameters: ReadonlyMap<string, Tensor>,
  forward: (ops: Ops, x: Tensor) => Tensor,
): Promise<void> {
  using scope = new Scope();
  const upload = (name: string) =>
    scope.use(kernel.upload(values(golden, name), golden.tensors[name]?.shape ?? [], "f32"));
  const wanted = new Map([...parameters, ["x", upload("x")]]);
  const tape = scope.use(new Tape(kernel, wanted.values()));
  const found = tape.backward(forward(tape, wanted.get("x") as Tensor), upload("dy"));
  for (const gradient of found.values()) scope.use(gradient);
  for (const [name, tensor] of wanted) {
    const gradient = found.get(tensor);
    if (!gradient) throw new Error(`no gradient of ${name}`);
    const error = nmse(await read(gradient), values(golden, `d_${name}`));
    expect([name, error < tolerance]).toEqual([name, true]);
  }
}

test.each(["block-backward", "block-backward-jamba"] as const)("gradients of %s", async (name) => {
  const golden = loadGolden(name);
  const config = configOf(golden);
  using scope = new Scope();
  const parameters = parametersOf(golden, mambaParameters(config), scope);
  const block = new MambaBlock(config, parameters);
  await checkGradients(golden, parameters, (ops, x) => block.forward(ops, x));
});

test("gradients of block-backward-bidirectional", async () => {
  const golden = loadGolden("block-backward-bidirectional");
  const config = configOf(golden);
  const { divideOutput } = golden.meta as unknown as { divideOutput: boolean };
  using scope = new Scope();
  const parameters = parametersOf(golden, bidirectionalParameters(config), scope);
  const block = new BidirectionalMambaBlock(config, parameters, "", { divideOutput });
  await checkGradients(golden, parameters, (ops, x) => block.forward(ops, x));
});
