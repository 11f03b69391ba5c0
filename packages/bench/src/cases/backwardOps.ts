import { convBackwardFlops, scanBackwardFlops } from "./flops.ts";
import type { BenchmarkCase } from "../benchmarkCase.ts";
import { randomTensor } from "../randomTensor.ts";
import { D, discard, ED, N, scanArgs, W } from "./ops.ts";

// The backward ops that take most of the time of training, at the shapes of mamba-130m.

/** in_proj: the gradient of the input, or of the weights. */
function linearBackward(kind: "Input" | "Weight"): BenchmarkCase {
  const [rows, inner, columns] = [512, D, 2 * ED];
  return {
    name: `linearBackward${kind} ${rows}×${inner}×${columns}`,
    dtype: "f32",
    bytes: 4 * (rows * (inner + columns) + inner * columns),
    flops: 2 * rows * inner * columns,
    prepare(kernel, scope) {
      const dy = randomTensor(kernel, scope, [rows, columns], "f32");
      const x = randomTensor(kernel, scope, [rows, inner], "f32");
      const weight = randomTensor(kernel, scope, [columns, inner], "f32");
      return kind === "Input"
        ? () => discard(kernel.linearBackwardInput(dy, weight))
        : () => discard(kernel.linearBackwardWeight(dy, x));
    },
  };
}

function convBackward(length: number): BenchmarkCase {
  return {
    name: `causalConv1dBackward ${length}×${ED}`,
    dtype: "f32",
    bytes: 4 * 3 * length * ED,
    flops: length * ED * convBackwardFlops(W),
    prepare(kernel, scope) {
      const x = randomTensor(kernel, scope, [1, length, ED], "f32");
      const dy = randomTensor(kernel, scope, [1, length, ED], "f32");
      const weight = randomTensor(kernel, scope, [ED, W], "f32");
      const bias = randomTensor(kernel, scope, [ED], "f32");
      const args = { x, weight, bias, activation: "silu" } as const;
      return () => discard(...Object.values(kernel.causalConv1dBackward(dy, args)));
    },
  };
}

function scanBackward(length: number): BenchmarkCase {
  return {
    name: `selectiveScanBackward ${length}×${ED}×${N}`,
    dtype: "f32",
    bytes: 4 * length * (7 * ED + 4 * N), // u, delta, z, dy in; du, ddelta, dz out; B, C and theirs
    flops: length * ED * scanBackwardFlops(N),
    prepare(kernel, scope) {
      const args = scanArgs(kernel, scope, [1, length]);
      const dy = randomTensor(kernel, scope, [1, length, ED], "f32");
      const { y, finalState, residual } = kernel.selectiveScanForward(args);
      discard(y, finalState);
      scope.use(residual);
      return () => discard(...Object.values(kernel.selectiveScanBackward(dy, args, residual)));
    },
  };
}

/** The backward ops, in the order of the report. */
export const backwardCases: readonly BenchmarkCase[] = [
  linearBackward("Input"),
  linearBackward("Weight"),
  convBackward(2048),
  scanBackward(2048),
];
