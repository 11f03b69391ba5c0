import type { Kernel, Residual, ScanArgs, Scope, SsdArgs, Tensor, TrainingKernel } from "@mamba/kernel";
import { check } from "../assert.ts";
import type { CaseInput, OpCase } from "../case.ts";
import { residualOf } from "../cases/scanBackwardInputs.ts";
import { ssdResidualOf, ssdScalars, type SsdSize } from "../cases/ssdInputs.ts";
import { scanCase } from "../ops/selectiveScan.ts";
import { scanBackwardCase } from "../ops/selectiveScanBackward.ts";
import { ssdScanCase } from "../ops/ssdScan.ts";
import { ssdBackwardCase } from "../ops/ssdScanBackward.ts";
import { cut, type Inputs } from "./gradients.ts";
import { load } from "./harness.ts";

type Tensors = Readonly<Record<string, Tensor>>;
type Results = { y: Tensor; finalState: Tensor };

/** A scan with all options but `sequenceIds`, on one set of sizes, as the laws call it. The tensors have the names of its arguments. */
export interface Scan {
  /** The start of the names of its laws. */
  readonly name: string;
  readonly B: number;
  readonly L: number;
  /** The sizes other than L, for the names of laws. */
  readonly label: string;
  /** The inputs with an axis of positions. */
  readonly sequences: readonly string[];
  readonly forwardCase: OpCase;
  readonly backwardCase: OpCase;
  forward(kernel: Kernel, args: Tensors): Results;
  step(kernel: Kernel, state: Tensor, args: Tensors): Tensor;
  keep(kernel: TrainingKernel, args: Tensors): Results & { residual: Residual };
  residual(kernel: TrainingKernel, args: Tensors): Residual;
  backward(
    kernel: TrainingKernel,
    dy: Tensor,
    args: Tensors,
    residual: Residual,
    dFinalState?: Tensor,
  ): Readonly<Record<string, Tensor | undefined>>;
}

const flags = { D: true, initialState: true, sequenceIds: false, view: false };

/** The arguments of a scan with the flags above. The cases have all of them under their names. */
function scanArgs(tensors: Tensors): ScanArgs {
  return { ...tensors, deltaSoftplus: true } as unknown as ScanArgs;
}

/** `selectiveScan` */
export function selective(B: number, L: number, D: number, N: number): Scan {
  const all = { ...flags, z: true, deltaBias: true, softplus: true };
  return {
    ...{ name: "scan", B, L, label: `B${B} D${D} N${N}` },
    sequences: ["dy", "u", "delta", "B", "C", "z"],
    forwardCase: scanCase(B, L, D, N, { ...all, finalState: true }),
    backwardCase: scanBackwardCase([B, L, D, N], { ...all, dFinalState: true }),
    forward: (kernel, args) => kernel.selectiveScan(scanArgs(args), { finalState: true }),
    step: (kernel, state, args) => kernel.selectiveStateUpdate(state, scanArgs(args)),
    keep: (kernel, args) => kernel.selectiveScanForward(scanArgs(args)),
    residual: (kernel, args) => residualOf(kernel, scanArgs(args)),
    backward: (kernel, dy, args, residual, dFinalState) =>
      kernel.selectiveScanBackward(dy, scanArgs(args), residual, dFinalState),
  };
}

/** `ssdScan` */
export function ssd(...[B, L, H, P, G, N]: SsdSize): Scan {
  const size = [B, L, H, P, G, N] as const;
  const ssdArgs = (tensors: Tensors): SsdArgs =>
    ({ ...tensors, ...ssdScalars({ H, G }) }) as unknown as SsdArgs;
  return {
    ...{ name: "ssdScan", B, L, label: `B${B} H${H} P${P} G${G} N${N}` },
    sequences: ["dy", "x", "B", "C", "logDecay", "weight"],
    forwardCase: ssdScanCase(size, { ...flags, finalState: true }),
    backwardCase: ssdBackwardCase(size, { ...flags, dFinalState: true }),
    forward: (kernel, args) => kernel.ssdScan(ssdArgs(args), { finalState: true }),
    step: (kernel, state, args) => kernel.ssdStateUpdate(state, ssdArgs(args)),
    keep: (kernel, args) => kernel.ssdScanForward(ssdArgs(args)),
    residual: (kernel, args) => ssdResidualOf(kernel, ssdArgs(args)),
    backward: (kernel, dy, args, residual, dFinalState) =>
      kernel.ssdScanBackward(dy, ssdArgs(args), residual, dFinalState),
  };
}

/** Uploads positions [from, to) of the inputs. `state` replaces the initial state. */
export function placeChunk(
  { sequences }: Scan,
  kernel: Kernel,
  scope: Scope,
  { dFinalState: _, ...inputs }: Inputs,
  from: number,
  to: number,
  state?: Tensor,
): { dy: Tensor | undefined; args: Tensors } {
  const { dy, ...tensors } = load(kernel, scope, cut(inputs, sequences, from, to));
  return { dy, args: { ...tensors, ...(state && { initialState: state }) } };
}

/** Runs positions [from, to) from `state`; `scope` owns the results. */
export function runChunk(
  scan: Scan,
  kernel: Kernel,
  scope: Scope,
  inputs: Readonly<Record<string, CaseInput>>,
  from: number,
  to: number,
  state?: Tensor,
): Results {
  const { args } = placeChunk(scan, kernel, scope, inputs, from, to, state);
  const { y, finalState } = scan.forward(kernel, args);
  return { y: scope.use(y), finalState: scope.use(finalState) };
}

/** Returns the gradient of the results, which the inputs of a backward have. */
export function gradientOfResults(dy: Tensor | undefined): Tensor {
  check(dy !== undefined, "the case has dy");
  return dy;
}
