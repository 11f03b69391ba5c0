import { checkFlip, type Tensor } from "@mamba/kernel";
import type { Runtime } from "../runtime.ts";
import { block } from "./elementwise.ts";
import { copyBlocks, unitsOf } from "./copyRows.ts";

export function flip(runtime: Runtime, x: Tensor): Tensor {
  const { batch, length } = checkFlip(x);
  runtime.checkOpen("flip");
  const own = runtime.own("flip", "x", x);
  const y = runtime.result("flip", x.shape);
  const rows = batch * length;
  const { unit, width, stride } = unitsOf(own);
  runtime.launch("flip", "flip", copyBlocks(rows, width), block, [own, y, rows, width, stride, unit, length]);
  return y;
}
