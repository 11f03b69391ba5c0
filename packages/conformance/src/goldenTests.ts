import {
  type ConvArgs,
  type GatedRmsNormArgs,
  type Kernel,
  type ScanArgs,
  Scope,
  type SsdArgs,
  type Tensor,
  type TrainingKernel,
} from "@mamba/kernel";
import { check } from "./assert.ts";
import { defaultTolerance, trainingKernel, trainingSkipReason } from "./case.ts";
import { gradients } from "./cases/inputs.ts";
import { checkValues } from "./checkCase.ts";
import { type GoldenName, goldenNames, loadGolden } from "./goldens.ts";
import { checkNoLeak } from "./leak.ts";
import type { SuiteTest } from "./suiteTest.ts";

type Tensors = Readonly<Record<string, Tensor>>;
type Options = Readonly<Record<string, unknown>>;

/** Runs the op of a golden. The tensors of the golden have the names of the arguments. */
function run(kernel: Kernel, name: GoldenName, tensors: Tensors, options: Options): Tensors {
  if (isBackward(name)) return runBackward(trainingKernel(name, kernel), name, tensors, options);
  const args: unknown = { ...tensors, ...options };
  return name.startsWith("scan")
    ? kernel.selectiveScan(args as ScanArgs, { finalState: true })
    : kernel.causalConv1d(args as ConvArgs, { finalState: true });
}

/** Runs the forward and the backward of the op, the latter from `dy` and `dFinalState`. */
function runBackward(kernel: TrainingKernel, name: GoldenName, tensors: Tensors, options: Options): Tensors {
  const { dy, dFinalState, ...rest } = tensors;
  const args: unknown = { ...rest, ...options };
  if (name.startsWith("loss")) {
    const { logits, targets } = args as { logits: Tensor; targets: Tensor };
    const { loss, dLogits } = kernel.crossEntropyWithGradient(logits, targets);
    return { loss, d_logits: dLogits };
  }
  check(dy !== undefined, `golden ${name} has dy`);
  if (name.startsWith("scan")) {
    const { y, finalState, residual } = kernel.selectiveScanForward(args as ScanArgs);
    const grads = kernel.selectiveScanBackward(dy, args as ScanArgs, residual, dFinalState);
    residual.dispose();
    return { y, finalState, ...gradients(grads) };
  }
  if (name.startsWith("conv")) {
    const grads = kernel.causalConv1dBackward(dy, args as ConvArgs, dFinalState);
    return { ...kernel.causalConv1d(args as ConvArgs, { finalState: true }), ...gradients(grads) };
  }
  if (name.startsWith("ssd")) {
    const { y, finalState, residual } = kernel.ssdScanForward(args as SsdArgs);
    const grads = kernel.ssdScanBackward(dy, args as SsdArgs, residual, dFinalState);
    residual.dispose();
    return { y, finalState, ...gradients(grads) };
  }
  if (name.startsWith("gated")) {
    const grads = kernel.gatedRmsNormBackward(dy, args as GatedRmsNormArgs);
    return { y: kernel.gatedRmsNorm(args as GatedRmsNormArgs), ...gradients(grads) };
  }
  const { x, weight, eps } = args as { x: Tensor; weight?: Tensor; eps: number };
  const { dx, dWeight } = kernel.rmsNormBackward(dy, x, weight, eps);
  return { y: kernel.rmsNorm(x, weight, eps), ...gradients({ x: dx, weight: dWeight }) };
}

/** One sequence in each row: the positions [start, end). */
function idsOf(ranges: readonly (readonly [start: number, end: number])[], length: number): Int32Array {
  return Int32Array.from(
    ranges.flatMap(([start, end]) => Array.from({ length }, (_, l) => (l >= start && l < end ? 0 : -1))),
  );
}

function isBackward(name: GoldenName): boolean {
  return name.includes("-backward");
}

async function checkGolden(name: GoldenName, kernel: Kernel): Promise<void> {
  const { tensors, meta } = loadGolden(name);
  const { outputs, range, targets, ...options } = meta;
  await checkNoLeak(name, kernel, async () => {
    using scope = new Scope();
    const inputs = Object.entries(tensors).filter(([key]) => !outputs.includes(key));
    const args: Record<string, Tensor> = Object.fromEntries(
      inputs.map(([key, { data, shape }]) => [key, scope.use(kernel.upload(data, shape, "f32"))]),
    );
    if (Array.isArray(range)) {
      const [B = 1, L = 1] = tensors[name.startsWith("scan") ? "u" : "x"]?.shape ?? [];
      const ids = idsOf(range as [number, number][], L);
      args["sequenceIds"] = scope.use(kernel.upload(ids, [B, L], "i32"));
    }
    if (Array.isArray(targets)) {
      const data = Int32Array.from(targets as number[]);
      args["targets"] = scope.use(kernel.upload(data, [data.length], "i32"));
    }
    const results = run(kernel, name, args, options);
    for (const result of Object.values(results)) scope.use(result);
    for (const key of outputs) {
      const [expected, result] = [tensors[key], results[key]];
      check(expected !== undefined, `golden ${name} has ${key}`);
      check(result !== undefined, `golden ${name}: ${key} is missing`);
      const [actual] = await kernel.read(result);
      check(actual !== undefined, `golden ${name}: ${key} was read`);
      checkValues(`golden ${name}: ${key}`, actual, Float64Array.from(expected.data), defaultTolerance);
    }
  });
}

/** The ops against values from PyTorch in float64. */
export const goldenTests: readonly SuiteTest[] = goldenNames
  .filter((name) => /^(scan|conv|norm|loss|ssd|gated)/.test(name))
  .map((name) => ({
    name: `golden: ${name} from PyTorch float64`,
    ...(isBackward(name) && { skip: trainingSkipReason }),
    body: async (session) => checkGolden(name, await session.kernel()),
  }));
