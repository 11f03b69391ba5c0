import type { ExpertLinearArgs, Tensor, TrainingKernel } from "@mamba/kernel";
import type { OpRun } from "./run/opRun.ts";

/** x [R, I] or [R, K, I], weight [E, O, I], experts i32 [R, K] -> [R, K, O]: each row times the matrices of its experts. */
export function expertLinear(run: OpRun, args: ExpertLinearArgs): Tensor {
  const { x, weight, experts } = args;
  return run.result(run.kernel.expertLinear(args), [x, weight], (dy, sink) => {
    const { kernel } = sink;
    sink.add(x, () => {
      const each = kernel.expertLinearBackwardInput(dy, weight, experts); // [R, K, I]
      if (x.shape.length === 3) return each;
      using owned = each;
      return sumOfExperts(kernel, owned);
    });
    const [count = 0] = weight.shape;
    sink.add(weight, () => kernel.expertLinearBackwardWeight(dy, x, experts, count));
  });
}

/** x [R, K, I] -> [R, I] */
function sumOfExperts(kernel: TrainingKernel, x: Tensor): Tensor {
  using zeros = kernel.zeros(x.shape.slice(0, 2), "f32");
  using ones = kernel.exp(zeros);
  return kernel.combineExperts(x, ones);
}
