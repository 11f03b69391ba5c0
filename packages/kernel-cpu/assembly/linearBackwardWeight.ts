import { computeMatrixProduct, matrixProductScratch, matrixProductUnits } from "./matrixProduct.ts";
import { MatrixProductArgs } from "./matrixProductArgs.ts";

// dWeight[o, i] = sum_m dy[m, o] · x[m, i]: a = dy by columns, b = x.

export function linearBackwardWeightUnits(args: MatrixProductArgs): i32 {
  return matrixProductUnits(args);
}

export function linearBackwardWeightScratch(args: MatrixProductArgs): i32 {
  return matrixProductScratch(args);
}

export function linearBackwardWeightRun(args: MatrixProductArgs, begin: i32, end: i32, scratch: usize): void {
  computeMatrixProduct(args, begin, end, scratch);
}
