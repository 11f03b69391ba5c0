import { computeMatrixProduct, matrixProductScratch, matrixProductUnits } from "./matrixProduct.ts";
import { MatrixProductArgs } from "./matrixProductArgs.ts";

// dx[m, i] = sum_o dy[m, o] · weight[o, i]: a = dy, b = weight.

export function linearBackwardInputUnits(args: MatrixProductArgs): i32 {
  return matrixProductUnits(args);
}

export function linearBackwardInputScratch(args: MatrixProductArgs): i32 {
  return matrixProductScratch(args);
}

export function linearBackwardInputRun(args: MatrixProductArgs, begin: i32, end: i32, scratch: usize): void {
  computeMatrixProduct(args, begin, end, scratch);
}
