import { checkAccumulate, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { block, blocksOf, rowsOf } from "./elementwise.ts";

export function accumulate(runtime: Runtime, target: Tensor, x: Tensor, factor = 1): void {
  checkAccumulate(target, x, factor);
  const op = "accumulate";
  runtime.checkOpen(op);
  const [sum, term] = [runtime.own(op, "target", target), runtime.own(op, "x", x)];
  const [rows, width] = rowsOf(x);
  const args = [sum, term, rows, width, sum.rowStride, term.rowStride, factor];
  runtime.launch(op, op, blocksOf(rows * width), block, args);
}
