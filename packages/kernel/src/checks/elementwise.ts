import type { Tensor } from "../tensor.ts";
import { checkF32, checkSameShape } from "./tensors.ts";

/** @throws KernelError `DISPOSED`, `DTYPE` or `SHAPE` unless `x` and `y` are f32 of one shape. */
export function checkBinary(op: string, nameX: string, x: Tensor, nameY: string, y: Tensor): void {
  checkF32(op, nameX, x);
  checkF32(op, nameY, y);
  checkSameShape(op, nameY, y, nameX, x);
}
