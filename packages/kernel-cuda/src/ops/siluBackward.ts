import { checkSiluBackward, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { block, blocksOf, rowsOf } from "./elementwise.ts";

export function siluBackward(runtime: Runtime, dy: Tensor, x: Tensor): Tensor {
  checkSiluBackward(dy, x);
  const op = "siluBackward";
  runtime.checkOpen(op);
  const [upstream, own] = [runtime.own(op, "dy", dy), runtime.own(op, "x", x)];
  const [rows, width] = rowsOf(x);
  const dx = runtime.result(op, x.shape);
  const args = [upstream, own, dx, rows, width, dy.rowStride, x.rowStride];
  runtime.launch(op, op, blocksOf(rows * width), block, args);
  return dx;
}
