import {
  type ConvArgs,
  type Kernel,
  type ScanArgs,
  type Scope,
  type SsdArgs,
  type Tensor,
  type TrainingKernel,
} from "@mamba/kernel";
import { check } from "../assert.ts";
import { firstDifference } from "../bits.ts";
import { type CaseInput, ints, type OpCase } from "../case.ts";
import { residualOf } from "../cases/scanBackwardInputs.ts";
import { ssdResidualOf } from "../cases/ssdInputs.ts";
import { convBackwardCase } from "../ops/causalConv1dBackward.ts";
import { scanBackwardCase } from "../ops/selectiveScanBackward.ts";
import { ssdBackwardCase } from "../ops/ssdScanBackward.ts";
import { type Positions, sequencesOf } from "../sequences.ts";
import type { SuiteTest } from "../suiteTest.ts";
import { gradientOf, type HostGrads, type Inputs, readGrads } from "./gradients.ts";
import { checkAgree, inputsOf, lawTest, load, pickPositions, readFloats, trainingLaw } from "./harness.ts";

// Sequences packed in a row give what each gives alone: results, states and gradients. The gradients of what all sequences share
// are the sums of theirs, and padding gets zeros.

/** An op over sequences, as the laws call it. */
interface Packed {
  readonly name: string;
  /** Inputs with a leading axis of rows and then one of positions. */
  readonly sequences: readonly string[];
  readonly inputs: (B: number, L: number, D: number, size: number) => OpCase;
  readonly forward: (kernel: Kernel, args: Tensors) => { y: Tensor; finalState: Tensor };
  readonly backward: (
    kernel: TrainingKernel,
    scope: Scope,
    dy: Tensor,
    args: Tensors,
    dFinalState: Tensor | undefined,
  ) => Readonly<Record<string, Tensor | undefined>>;
}

type Tensors = Readonly<Record<string, Tensor>>;

const convFlags = { bias: true, silu: true, initialState: true, sequenceIds: false, dFinalState: true };

const conv: Packed = {
  name: "conv",
  sequences: ["dy", "x"],
  inputs: (B, L, D, W) => convBackwardCase(B, L, D, W, { ...convFlags, view: false }),
  forward: (kernel, args) => kernel.causalConv1d(convArgs(args), { finalState: true }),
  backward: (kernel, _, dy, args, dFinalState) =>
    kernel.causalConv1dBackward(dy, convArgs(args), dFinalState),
};

/** The case has all arguments under their names. */
function convArgs(tensors: Tensors): ConvArgs {
  return { ...tensors, activation: "silu" } as unknown as ConvArgs;
}

const scanFlags = {
  ...{ D: true, z: true, deltaBias: true, softplus: true },
  ...{ initialState: true, sequenceIds: false, dFinalState: true, view: false },
};

const scan: Packed = {
  name: "scan",
  sequences: ["dy", "u", "delta", "B", "C", "z"],
  inputs: (B, L, D, N) => scanBackwardCase([B, L, D, N], scanFlags),
  forward: (kernel, args) => kernel.selectiveScan(scanArgs(args), { finalState: true }),
  backward: (kernel, scope, dy, args, dFinalState) => {
    const residual = scope.use(residualOf(kernel, scanArgs(args)));
    return kernel.selectiveScanBackward(dy, scanArgs(args), residual, dFinalState);
  },
};

function scanArgs(tensors: Tensors): ScanArgs {
  return { ...tensors, deltaSoftplus: true } as unknown as ScanArgs;
}

/** Three heads of a group each, or five heads of one group. */
const heads = (D: number): { heads: number; groups: number } =>
  D % 3 === 0 ? { heads: 3, groups: 3 } : { heads: 5, groups: 1 };

const ssd: Packed = {
  name: "ssdScan",
  sequences: ["dy", "x", "B", "C", "logDecay", "weight"],
  inputs: (B, L, D, N) => {
    const { heads: H, groups: G } = heads(D);
    const flags = { D: true, initialState: true, sequenceIds: false, dFinalState: true, view: false };
    return ssdBackwardCase([B, L, H, D / H, G, N], flags);
  },
  forward: (kernel, args) => kernel.ssdScan(ssdArgs(args), { finalState: true }),
  backward: (kernel, scope, dy, args, dFinalState) => {
    const residual = scope.use(ssdResidualOf(kernel, ssdArgs(args)));
    return kernel.ssdScanBackward(dy, ssdArgs(args), residual, dFinalState);
  },
};

function ssdArgs(tensors: Tensors): SsdArgs {
  const D = tensors["x"]?.shape.at(-1) ?? 0;
  return { ...tensors, ...heads(D) } as unknown as SsdArgs;
}

/** `a3 -2 a4 b1`: three positions of sequence a, two of padding, four more of a, one of sequence b. */
function idsOf(layout: string): number[] {
  return layout.split(" ").flatMap((run) => {
    const id = run.startsWith("-") ? -1 : run.charCodeAt(0);
    return Array.from({ length: Number(run.slice(1)) }, () => id);
  });
}

/** The inputs of the row, with its ids, and of each of its sequences alone. */
function inputsFor({ inputs, sequences }: Packed, B: number, D: number, size: number, layout: string) {
  const row = idsOf(layout);
  const whole = inputsOf(inputs(B, row.length, D, size));
  const ids = Array.from({ length: B }, () => row).flat();
  const found = sequencesOf(row, 0, row.length).filter((positions) => positions.length > 0);
  return {
    whole: { ...whole, sequenceIds: ints(ids, [B, row.length]) },
    alone: found.map((positions, index) => ({
      positions,
      inputs: Object.fromEntries(
        Object.entries(whole).flatMap(([name, input]): [string, CaseInput][] => {
          if (name === "initialState" && index > 0) return [];
          if (name === "dFinalState" && index < found.length - 1) return [];
          return [[name, sequences.includes(name) ? pickPositions(input, positions) : input]];
        }),
      ),
    })),
    padding: row.flatMap((id, l) => (id < 0 ? [l] : [])),
  };
}

async function run(
  packed: Packed,
  kernel: Kernel,
  scope: Scope,
  { dy: _, dFinalState: __, ...args }: Inputs,
) {
  const { y, finalState } = packed.forward(kernel, load(kernel, scope, args));
  return {
    y: await readFloats(kernel, scope.use(y)),
    finalState: await readFloats(kernel, scope.use(finalState)),
  };
}

async function gradientsOf(packed: Packed, kernel: TrainingKernel, scope: Scope, inputs: Inputs) {
  const { dy, dFinalState, ...args } = load(kernel, scope, inputs);
  check(dy !== undefined, "the case has dy");
  return readGrads(kernel, scope, packed.backward(kernel, scope, dy, args, dFinalState));
}

/** Checks that [B, L, last] data is 0 at these positions. */
function checkZeros(what: string, data: Float32Array, B: number, L: number, padding: Positions): void {
  const last = data.length / (B * L);
  const zeros = pickPositions({ data, shape: [B, L, last], dtype: "f32" }, padding).data;
  const at = zeros.findIndex((value) => value !== 0);
  check(at === -1, `${what} must be 0 at padding, got ${zeros[at]}`);
}

function checkSameBits(what: string, actual: Float32Array, expected: CaseInput | undefined): void {
  const at = firstDifference<ArrayLike<number>>(actual, expected?.data);
  check(
    at === undefined,
    `${what}: element ${at} must be ${expected?.data[at ?? 0]}, got ${actual[at ?? 0]}`,
  );
}

type Sizes = readonly [B: number, D: number, size: number];

function forwardTest(packed: Packed, layout: string, sizes: Sizes): SuiteTest {
  const [B, D] = sizes;
  const what = `${packed.name} of ${layout} = ${packed.name} of each sequence alone (${sizes.join(", ")})`;
  return lawTest(what, async (kernel, scope) => {
    const { whole, alone, padding } = inputsFor(packed, ...sizes, layout);
    const L = whole.sequenceIds.shape[1] ?? 0;
    const { y, finalState } = await run(packed, kernel, scope, whole);
    const rows: CaseInput = { data: y, shape: [B, L, D], dtype: "f32" };
    checkZeros("y", y, B, L, padding);
    if (alone.length === 0) checkSameBits("finalState", finalState, inputOf(whole, "initialState"));
    for (const [index, { positions, inputs }] of alone.entries()) {
      const own = await run(packed, kernel, scope, inputs);
      checkAgree(`y of sequence ${index}`, pickPositions(rows, positions).data, own.y);
      if (index === alone.length - 1) checkAgree("finalState", finalState, own.finalState);
    }
  });
}

function gradientTest(packed: Packed, layout: string, sizes: Sizes): SuiteTest {
  const [B] = sizes;
  const what = `gradient of a ${packed.name} of ${layout} = those of each sequence alone (${sizes.join(", ")})`;
  return trainingLaw(what, async (kernel, scope) => {
    const { whole, alone, padding } = inputsFor(packed, ...sizes, layout);
    const L = whole.sequenceIds.shape[1] ?? 0;
    const grads = await gradientsOf(packed, kernel, scope, whole);
    const own: { positions: Positions; grads: HostGrads }[] = [];
    for (const { positions, inputs } of alone) {
      own.push({ positions, grads: await gradientsOf(packed, kernel, scope, inputs) });
    }
    for (const [name, data] of Object.entries(grads)) {
      if (packed.sequences.includes(name)) {
        checkZeros(`d ${name}`, data, B, L, padding);
        const rows: CaseInput = { data, shape: [B, L, data.length / (B * L)], dtype: "f32" };
        for (const [index, { positions, grads }] of own.entries()) {
          const part = pickPositions(rows, positions).data;
          checkAgree(`d ${name} of sequence ${index}`, part, gradientOf(grads, name));
        }
      } else if (name === "initialState") {
        const first = own[0];
        if (first) checkAgree(`d ${name}`, data, gradientOf(first.grads, name));
        else checkSameBits(`d ${name}`, data, inputOf(whole, "dFinalState"));
      } else {
        const sum = data.map((_, i) => own.reduce((sum, { grads }) => sum + gradientOf(grads, name)[i]!, 0));
        checkAgree(`d ${name}`, data, sum);
      }
    }
  });
}

function inputOf(inputs: Inputs, name: string): CaseInput | undefined {
  return inputs[name];
}

/** Several sequences; one sequence with padding around or inside it; padding alone; sequences around chunks of 64 positions. */
const layouts = [
  "a5 b1 c1 d7 e2",
  "-4 a9",
  "a9 -4",
  "-2 a3 -1 a1 -2 a5 -3",
  "-3 a2 -1 b4 -2 a6 b1 -2",
  "-7",
  "a63 b66 c1 -3 c40 d20",
  "a10 -120 a30",
] as const;

export const packingTests: readonly SuiteTest[] = layouts.flatMap((layout, i) => {
  const D = [5, 3, 33][i % 3] ?? 5;
  return [
    forwardTest(conv, layout, [2, D, [4, 2, 16][i % 3] ?? 4]),
    forwardTest(scan, layout, [2, D, [16, 5, 1][i % 3] ?? 16]),
    gradientTest(conv, layout, [2, D, [4, 16, 3][i % 3] ?? 4]),
    gradientTest(scan, layout, [2, D, [16, 4, 7][i % 3] ?? 16]),
    forwardTest(ssd, layout, [2, D, [16, 5, 1][i % 3] ?? 16]),
    gradientTest(ssd, layout, [2, D, [8, 4, 7][i % 3] ?? 8]),
  ];
});
